import { useState } from "react";
import type { KnownScore, ScoreDef } from "../../api/types";
import { type ScoreTarget, useScoring } from "../../api/useScoring";
import { scoreText, when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { choicesOf, isSame, judged, mine } from "../../model/scoring";
import "./scores.css";

/** Scores by everybody, and one's own: a click saves, another value replaces, ✕ takes back. */
export function ScorePane({ target }: { target: ScoreTarget }) {
  const { scores, defs, author, sign, give, drop, error } = useScoring(target);
  const [isFree, setFree] = useState(false);
  return (
    <div className="score-pane">
      {error && <p className="label-error">{error.message}</p>}
      <div className="score-forms">
        {defs.map((def) => (
          <ScoreField
            key={def.name}
            def={def}
            given={mine(scores, def.name, author)}
            onGive={(judgement, reason) => give(def.name, judgement, reason)}
          />
        ))}
        {isFree ? (
          <FreeField onGive={(name, judgement) => give(name, judgement, null)} />
        ) : (
          <button type="button" className="quiet" onClick={() => setFree(true)}>
            Another score
          </button>
        )}
        <Signed author={author} onSign={sign} />
      </div>
      {scores.length > 0 && <Given scores={scores} author={author} onDrop={drop} />}
    </div>
  );
}

/** Whose scores they are; the browser remembers it. */
export function Signed({ author, onSign }: { author: string; onSign: (name: string) => void }) {
  return (
    <label className="score-author muted">
      Signed{" "}
      <input
        type="text"
        value={author}
        placeholder="your name"
        onChange={(event) => onSign(event.target.value)}
      />
    </label>
  );
}

interface FieldProps {
  def: ScoreDef;
  given: KnownScore | undefined;
  onGive: (
    judgement: { value: number | boolean | null; label: string | null },
    reason: string | null,
  ) => void;
}

function ScoreField({ def, given, onGive }: FieldProps) {
  const choices = choicesOf(def);
  const [reason, setReason] = useState<string | null>(null);
  const why = reason ?? given?.reason ?? "";
  return (
    <fieldset className="score-field">
      <legend title={def.description || undefined}>{visibleText(def.name)}</legend>
      {choices.length > 0 ? (
        <span className="score-choices">
          {choices.map((choice) => (
            <button
              key={choice.name}
              type="button"
              data-score
              aria-pressed={isSame(given, choice.judgement)}
              onClick={() => onGive(choice.judgement, why || null)}
            >
              {visibleText(choice.name)}
            </button>
          ))}
        </span>
      ) : (
        <Typed def={def} given={given} onGive={(judgement) => onGive(judgement, why || null)} />
      )}
      {given && (
        <input
          type="text"
          className="score-reason"
          aria-label={`Reason for ${def.name}`}
          placeholder="why"
          value={why}
          onChange={(event) => setReason(event.target.value)}
          onBlur={() =>
            reason !== null &&
            reason !== (given.reason ?? "") &&
            onGive({ value: given.value, label: given.label }, reason || null)
          }
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
        />
      )}
    </fieldset>
  );
}

export function Typed({
  def,
  given,
  onGive,
}: {
  def: ScoreDef;
  given: KnownScore | undefined;
  onGive: (judgement: { value: number | boolean | null; label: string | null }) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? (given ? scoreText(given) : "");
  const read = judged(def, text);
  const fault = "fault" in read ? read.fault : null;
  const range = [def.min != null && `from ${def.min}`, def.max != null && `to ${def.max}`]
    .filter(Boolean)
    .join(" ");
  return (
    <form
      className="score-typed"
      onSubmit={(event) => {
        event.preventDefault();
        if (!("fault" in read)) onGive(read);
      }}
    >
      <input
        type="text"
        data-score
        aria-label={def.name}
        value={text}
        placeholder={def.type === "text" ? "text" : range || "a number"}
        aria-invalid={typed !== null && typed !== "" && fault !== null}
        onChange={(event) => setTyped(event.target.value)}
      />
      <button type="submit" disabled={fault !== null}>
        Save
      </button>
      {typed !== null && typed !== "" && fault && <span className="label-error">{fault}</span>}
    </form>
  );
}

function FreeField({
  onGive,
}: {
  onGive: (name: string, judgement: { value: number | boolean | null; label: string | null }) => void;
}) {
  const [name, setName] = useState("");
  const [typed, setTyped] = useState("");
  const number = Number(typed.replace(",", "."));
  const isNumber = typed.trim() !== "" && Number.isFinite(number);
  return (
    <form
      className="score-typed"
      onSubmit={(event) => {
        event.preventDefault();
        onGive(name.trim(), isNumber ? { value: number, label: null } : { value: null, label: typed.trim() });
        setName("");
        setTyped("");
      }}
    >
      <input
        type="text"
        aria-label="Name of the score"
        placeholder="name"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <input
        type="text"
        aria-label="Value"
        placeholder="number or label"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <button type="submit" disabled={!name.trim() || !typed.trim()}>
        Save
      </button>
    </form>
  );
}

function Given({
  scores,
  author,
  onDrop,
}: {
  scores: KnownScore[];
  author: string;
  onDrop: (score: KnownScore) => void;
}) {
  return (
    <table className="plain section">
      <thead>
        <tr>
          <th>Score</th>
          <th>Value</th>
          <th>Reason</th>
          <th>By</th>
          <th>When</th>
          <th>
            <span className="sr-only">Take back</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {scores.map((score) => (
          <tr key={score.id}>
            <td>{visibleText(score.name)}</td>
            <td className="score-value">{visibleText(scoreText(score))}</td>
            <td>{visibleText(score.reason ?? "")}</td>
            <td className="muted">{visibleText([score.source, score.author].filter(Boolean).join(" · "))}</td>
            <td className="muted number">{when(score.ts_us)}</td>
            <td>
              {score.source === "ui" && score.author === author && (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={`Take ${score.name} back`}
                  onClick={() => onDrop(score)}
                >
                  ✕
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The first thing one can press or type into, for the key `s`. */
export function focusScores(): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>("[data-score]")?.focus());
}
