import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { api } from "../../api/client";
import type { Json, ScoreDef, Trace, TraceRow } from "../../api/types";
import { useScoring } from "../../api/useScoring";
import { scoreText, when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { tracePath } from "../../model/paths";
import { choicesOf, isSame, mine } from "../../model/scoring";
import { Value } from "../../render/Value";
import { announce } from "../../ui/Announcer";
import { useKeys } from "../../ui/keys";
import { Loading } from "../../ui/States";
import { Status } from "../../ui/Status";
import { Signed, Typed } from "../scores/ScorePane";
import { ChatTab } from "../trace/parts";
import { Before } from "./Before";

interface CardProps {
  project: string;
  row: TraceRow;
  place: string; // where in the queue
  onGo: (by: number) => void;
  onFilter: () => void;
}

/** One trace of the queue, what was said before it, and its scores. Tab goes from score to score. */
export function Card({ project, row, place, onGo, onFilter }: CardProps) {
  const scoring = useScoring({ project, trace_id: row.id });
  const { scores, defs, author, give, drop } = scoring;
  const [active, setActive] = useState(0);
  const [reason, setReason] = useState("");
  const reasonField = useRef<HTMLInputElement>(null);
  const trace = useQuery({
    queryKey: ["trace-head", row.id],
    queryFn: ({ signal }) => api.trace(row.id, { limit: 1 }, signal),
  });
  const def = defs[Math.min(active, defs.length - 1)] as ScoreDef;
  const judge = async (of: ScoreDef, choice: ReturnType<typeof choicesOf>[number]) => {
    setActive(defs.indexOf(of));
    if (await give(of.name, choice.judgement, reason || null)) announce(`${of.name} ${choice.name}`);
  };
  const given = mine(scores, def.name, author);
  const keys = defs.flatMap((one) => choicesOf(one).map((choice) => choice.key));
  useKeys("Review", [
    ...[...new Set(keys)].map((key) => ({
      keys: key,
      label: `Value ${key} of the score one is at, or of the next that has it`,
      run: () => {
        const own = [def, ...defs].find((one) => choicesOf(one).some((choice) => choice.key === key));
        const choice = own && choicesOf(own).find((one) => one.key === key);
        if (own && choice) void judge(own, choice);
      },
    })),
    { keys: "ArrowDown", label: "Next score", run: () => setActive((active + 1) % defs.length) },
    {
      keys: "ArrowUp",
      label: "Previous score",
      run: () => setActive((active - 1 + defs.length) % defs.length),
    },
    { keys: "t", label: "Say why", run: () => reasonField.current?.focus() },
    { keys: "u", label: "Take the score back", run: () => given && void drop(given) },
    { keys: "Enter|j", label: "Next trace", run: () => onGo(1) },
    { keys: "k", label: "Previous trace", run: () => onGo(-1) },
    { keys: "/", label: "Filter", run: onFilter },
  ]);
  const first = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) first.current?.focus({ preventScroll: true });
  }, []);
  const isDone = defs.every((one) => mine(scores, one.name, author));
  return (
    <div className="review">
      <header className="review-head">
        <span className="number">{place}</span>
        <Status status={row.status} />
        <Link href={tracePath(project, row.id)}>{visibleText(row.name) || "(no name)"}</Link>
        <span className="muted number">{when(row.start_us)}</span>
        {isDone && <span className="review-done">scored</span>}
        <Signed author={author} onSign={scoring.sign} />
      </header>
      <div className="review-body">
        {row.thread && <Before project={project} thread={row.thread} trace={row.id} />}
        {trace.data ? <Judged trace={trace.data.trace} /> : <Loading rows={4} />}
      </div>
      <footer className="review-scores">
        {defs.map((one, n) => (
          <fieldset
            key={one.name}
            ref={n === 0 ? first : undefined}
            aria-label={one.name}
            tabIndex={choicesOf(one).length > 0 ? 0 : undefined}
            className={n === active ? "review-def active" : "review-def"}
            onFocus={() => setActive(n)}
            onKeyDown={walkChoices}
          >
            <span title={one.description || undefined}>{visibleText(one.name)}</span>
            {choicesOf(one).length > 0 ? (
              <span className="score-choices">
                {choicesOf(one).map((choice) => (
                  <button
                    key={choice.name}
                    type="button"
                    tabIndex={-1}
                    aria-pressed={isSame(mine(scores, one.name, author), choice.judgement)}
                    onClick={() => void judge(one, choice)}
                  >
                    {visibleText(choice.name)} <kbd>{choice.key}</kbd>
                  </button>
                ))}
              </span>
            ) : (
              <Typed
                def={one}
                given={mine(scores, one.name, author)}
                onGive={(judgement) => void give(one.name, judgement, reason || null)}
              />
            )}
            <span className="muted">
              {scores
                .filter((score) => score.name === one.name && score !== mine(scores, one.name, author))
                .map((score) => `${score.author || score.source}: ${scoreText(score)}`)
                .join(", ")}
            </span>
          </fieldset>
        ))}
        <input
          type="text"
          ref={reasonField}
          className="score-reason"
          aria-label="Why"
          placeholder="why (t)"
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.currentTarget.blur();
            if (given) void give(def.name, { value: given.value, label: given.label }, reason || null);
          }}
        />
      </footer>
    </div>
  );
}

/** Arrows go over the values of a score. */
function walkChoices(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const choices = [...event.currentTarget.querySelectorAll<HTMLElement>(".score-choices button")];
  if (!step || !choices.length) return;
  event.preventDefault();
  const at = choices.indexOf(document.activeElement as HTMLElement);
  choices[
    at < 0 ? (step > 0 ? 0 : choices.length - 1) : (at + step + choices.length) % choices.length
  ]?.focus();
}

/** The conversation of a trace that is one, else what went in and what came out. */
function Judged({ trace }: { trace: Trace }) {
  if (trace.messages?.length)
    return (
      <section aria-label="Conversation">
        <ChatTab of={{ ...trace, params: null }} isRaw={false} />
        {trace.output !== null && !trace.messages.some((one) => one.side === "output") && (
          <Side name="Output" value={trace.output} />
        )}
      </section>
    );
  const { error } = trace;
  return (
    <>
      <Side name="Input" value={trace.input} />
      <Side name="Output" value={error ? `${error.type}: ${error.message ?? ""}` : trace.output} />
    </>
  );
}

function Side({ name, value }: { name: string; value: Json }) {
  return (
    <section aria-label={name}>
      <h2>{name}</h2>
      {value === null ? <p className="muted">None.</p> : <Value value={value} label={name} isRaw={false} />}
    </section>
  );
}
