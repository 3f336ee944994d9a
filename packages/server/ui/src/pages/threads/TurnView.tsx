import { memo } from "react";
import { Link } from "wouter";
import type { Json, Turn } from "../../api/types";
import { bytes, cost, count, fullTime, lasted, scoreText, when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { tracePath } from "../../model/paths";
import { spoken } from "../../model/turns";
import { JsonTree } from "../../render/JsonTree";
import { looksLikeMarkdown, Markdown } from "../../render/Markdown";
import { Text } from "../../render/Text";
import { Status } from "../../ui/Status";

interface Props {
  index: number;
  top: number;
  project: string;
  turn: Turn;
  gap: string | null;
  isActive: boolean;
  measure: (element: HTMLLIElement | null) => void;
  onPeek: () => void;
}

/** What was asked and what was answered, and what it took. */
export const TurnView = memo(function TurnView({
  index,
  top,
  project,
  turn,
  gap,
  isActive,
  measure,
  onPeek,
}: Props) {
  return (
    <li
      ref={measure}
      data-index={index}
      className={isActive ? "turn active" : "turn"}
      style={{ transform: `translateY(${top}px)` }}
    >
      {gap && <div className="turn-gap muted">{gap}</div>}
      <header className="turn-head muted number">
        <Status status={turn.status} />
        <Link href={tracePath(project, turn.trace_id)}>{visibleText(turn.name) || "(no name)"}</Link>
        <time title={fullTime(turn.start_us)}>{when(turn.start_us)}</time>
        <span>{lasted(turn)}</span>
        {turn.tin + turn.tout > 0 && <span>{count(turn.tin + turn.tout)} tokens</span>}
        {turn.cost !== null && <span>{cost(turn.cost)}</span>}
        {turn.scores.map((score) => (
          <span key={`${score.name} ${score.author}`} className="chip" title={score.reason ?? undefined}>
            {visibleText(score.name)} {visibleText(scoreText(score))}
          </span>
        ))}
        <button type="button" className="quiet turn-peek" onClick={onPeek}>
          Spans
        </button>
      </header>
      <Said who="user" value={turn.input} cut={turn.truncated.input} />
      {turn.error ? (
        <div className="turn-error">
          <strong>{visibleText(turn.error.type)}</strong> {visibleText(turn.error.message ?? "")}
        </div>
      ) : (
        turn.status !== "running" && <Said who="answer" value={turn.output} cut={turn.truncated.output} />
      )}
    </li>
  );
});

/** One side of a turn. */
export function Said({ who, value, cut }: { who: "user" | "answer"; value: Json; cut: number | undefined }) {
  if (value === null) return null;
  const words = spoken(value);
  return (
    <div className={`said said-${who}`}>
      <span className="sr-only">{who === "user" ? "Asked:" : "Answered:"}</span>
      {words === null ? (
        <JsonTree value={value} label={who === "user" ? "Input" : "Output"} openDepth={1} />
      ) : looksLikeMarkdown(words) ? (
        <Markdown text={words} />
      ) : (
        <Text text={words} />
      )}
      {cut !== undefined && <p className="muted">Cut here: {bytes(cut)} in all; the trace has the rest.</p>}
    </div>
  );
}
