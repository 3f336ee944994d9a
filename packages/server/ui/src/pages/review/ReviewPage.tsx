import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { api } from "../../api/client";
import type { Json, ScoreDef, TraceRow } from "../../api/types";
import { useScoring } from "../../api/useScoring";
import { scoreText, when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { tracePath } from "../../model/paths";
import { boundsOf } from "../../model/range";
import { choicesOf, isSame, mine } from "../../model/scoring";
import { text } from "../../model/url";
import { Value } from "../../render/Value";
import type { PageProps } from "../../routes";
import { announce } from "../../ui/Announcer";
import { useKeys } from "../../ui/keys";
import { Failed, Loading, Notice } from "../../ui/States";
import { Status } from "../../ui/Status";
import { useUrlState } from "../../ui/useUrlState";
import { Typed } from "../scores/ScorePane";
import { FilterBar } from "../traces/FilterBar";
import { RangePicker } from "../traces/RangePicker";
import "../traces/traces.css";
import "../scores/scores.css";
import "./review.css";

const REVIEW_STATE = { q: text(), t: text(), i: text() }; // i: the trace one is at
const QUEUE = 500;

/** Traces one after the other, judged by keys alone. */
export default function ReviewPage({ project }: PageProps) {
  const [{ q, t, i }, set] = useUrlState(REVIEW_STATE);
  const filterField = useRef<HTMLInputElement | null>(null);
  useEffect(() => {
    document.title = `Review · ${project} · trailmark`;
  }, [project]);
  const queue = useQuery({
    queryKey: ["review", project, q, t],
    queryFn: ({ signal }) => api.traces(project, { q, ...boundsOf(t), limit: QUEUE }, signal),
    staleTime: Number.POSITIVE_INFINITY, // what one scores must not leave the queue under one's hands
    retry: false,
  });
  const rows = queue.data?.rows ?? [];
  const at = Math.max(
    0,
    rows.findIndex((row) => row.id === i),
  );
  const row = rows[at];
  const go = (by: number) => {
    const next = rows[at + by];
    if (next) set({ i: next.id });
    else announce(by > 0 ? "That was the last one" : "This is the first one");
  };
  return (
    <>
      <div className="list-controls">
        <div className="list-line">
          <FilterBar
            project={project}
            value={q}
            onRun={(next) => set({ q: next, i: "" }, "push")}
            fieldRef={filterField}
            fault={null}
          />
          <RangePicker t={t} onRange={(next) => set({ t: next, i: "" }, "push")} />
        </div>
      </div>
      {queue.isPending && <Loading />}
      {queue.isError && (
        <Failed what="The queue cannot be shown" error={queue.error} onRetry={() => queue.refetch()} />
      )}
      {queue.data && !row && (
        <Notice title="Nothing to review">
          <p className="muted">No trace matches. Any filter makes a queue: the newest {QUEUE} it finds.</p>
        </Notice>
      )}
      {row && (
        <Card
          key={row.id}
          project={project}
          row={row}
          at={at}
          of={rows.length}
          onGo={go}
          onFilter={() => filterField.current?.focus()}
        />
      )}
    </>
  );
}

interface CardProps {
  project: string;
  row: TraceRow;
  at: number;
  of: number;
  onGo: (by: number) => void;
  onFilter: () => void;
}

function Card({ project, row, at, of, onGo, onFilter }: CardProps) {
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
  const isDone = defs.every((one) => mine(scores, one.name, author));
  return (
    <div className="review">
      <header className="review-head">
        <span className="number">
          {at + 1} of {of}
        </span>
        <progress max={of} value={at + 1} aria-label="Progress" />
        <Status status={row.status} />
        <Link href={tracePath(project, row.id)}>{visibleText(row.name) || "(no name)"}</Link>
        <span className="muted number">{when(row.start_us)}</span>
        {isDone && <span className="review-done">scored</span>}
        <label className="score-author muted">
          Signed{" "}
          <input
            type="text"
            value={author}
            placeholder="your name"
            onChange={(event) => scoring.sign(event.target.value)}
          />
        </label>
      </header>
      <div className="review-body">
        {trace.data ? (
          <>
            <Side name="Input" value={trace.data.trace.input} />
            <Side
              name="Output"
              value={
                trace.data.trace.error
                  ? `${trace.data.trace.error.type}: ${trace.data.trace.error.message ?? ""}`
                  : trace.data.trace.output
              }
            />
          </>
        ) : (
          <Loading rows={4} />
        )}
      </div>
      <footer className="review-scores">
        {defs.map((one, n) => (
          <div key={one.name} className={n === active ? "review-def active" : "review-def"}>
            <span title={one.description || undefined}>{visibleText(one.name)}</span>
            {choicesOf(one).length > 0 ? (
              <span className="score-choices">
                {choicesOf(one).map((choice) => (
                  <button
                    key={choice.name}
                    type="button"
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
          </div>
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

function Side({ name, value }: { name: string; value: Json }) {
  return (
    <section aria-label={name}>
      <h2>{name}</h2>
      {value === null ? <p className="muted">None.</p> : <Value value={value} label={name} isRaw={false} />}
    </section>
  );
}
