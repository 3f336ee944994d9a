import { Link } from "wouter";
import type { Totals, TraceDetail } from "../../api/types";
import { delta } from "../../model/compare";
import { cost, count, duration, when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { tracePath } from "../../model/paths";
import { Status } from "../../ui/Status";

interface Props {
  project: string;
  left: TraceDetail;
  right: TraceDetail;
  totals: Record<string, Totals>;
  differences: number;
  isOnly: boolean;
  onOnly: () => void;
  onExchange: () => void;
}

/** Both traces with their totals, and what B has more or less. */
export function CompareHead({
  project,
  left,
  right,
  totals,
  differences,
  isOnly,
  onOnly,
  onExchange,
}: Props) {
  const { a, b } = totals;
  return (
    <header className="compare-head">
      <table className="plain compare-totals">
        <caption className="sr-only">Totals</caption>
        <thead>
          <tr>
            <th>Trace</th>
            <th className="number">Duration</th>
            <th className="number">Spans</th>
            <th className="number">Errors</th>
            <th className="number">Tokens in</th>
            <th className="number">Tokens out</th>
            <th className="number">Cost</th>
          </tr>
        </thead>
        <tbody>
          {a && <Side side="A" project={project} found={left} totals={a} />}
          {b && <Side side="B" project={project} found={right} totals={b} />}
          {a && b && (
            <tr className="compare-delta">
              <th>B − A</th>
              <td className="number">{delta(known(a.dur_us), known(b.dur_us), duration) || "same"}</td>
              <td className="number">{delta(a.spans, b.spans, count) || "same"}</td>
              <td className="number">{delta(a.errors, b.errors, count) || "same"}</td>
              <td className="number">{delta(a.tin, b.tin, count) || "same"}</td>
              <td className="number">{delta(a.tout, b.tout, count) || "same"}</td>
              <td className="number">{delta(a.cost, b.cost, cost) || (a.cost === b.cost ? "same" : "")}</td>
            </tr>
          )}
        </tbody>
      </table>
      <div className="actions">
        <span className="muted number">
          {differences === 0 ? "No differences" : `${count(differences)} rows differ`}
        </span>
        <button type="button" aria-pressed={isOnly} onClick={onOnly}>
          Only differences
        </button>
        <button type="button" onClick={onExchange}>
          Exchange
        </button>
      </div>
    </header>
  );
}

const known = (us: number) => (us < 0 ? null : us);

interface SideProps {
  side: "A" | "B";
  project: string;
  found: TraceDetail;
  totals: Totals;
}

function Side({ side, project, found, totals }: SideProps) {
  const { trace } = found;
  return (
    <tr>
      <th>
        <span className={`side side-${side.toLowerCase()}`}>{side}</span> <Status status={trace.status} />{" "}
        <Link href={tracePath(trace.project || project, trace.id)}>
          {visibleText(trace.name) || "(no name)"}
        </Link>{" "}
        <span className="muted">{when(trace.start_us)}</span>
      </th>
      <td className="number">{duration(totals.dur_us)}</td>
      <td className="number">{count(totals.spans)}</td>
      <td className={totals.errors ? "number label-error" : "number"}>{count(totals.errors)}</td>
      <td className="number">{count(totals.tin)}</td>
      <td className="number">{count(totals.tout)}</td>
      <td className="number">{totals.cost === null ? "" : cost(totals.cost)}</td>
    </tr>
  );
}
