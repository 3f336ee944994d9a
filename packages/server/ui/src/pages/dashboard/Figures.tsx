import type { Metrics } from "../../api/types";
import { cost, count } from "../../model/format";
import { total } from "../../model/metrics";

/** The range in a few numbers. */
export function Figures({ found }: { found: Metrics }) {
  const traces = total(found, "count", "n");
  const errors = total(found, "errors", "n");
  const unpriced = found.unpriced.reduce((sum, one) => sum + one.n, 0);
  const spent = total(found, "cost", "sum");
  return (
    <dl className="figures">
      <Figure name="Traces" value={count(traces)} />
      <Figure
        name="Errors"
        value={`${((errors / Math.max(traces, 1)) * 100).toFixed(errors && errors < traces / 100 ? 2 : 1)} %`}
        note={errors ? `${count(errors)} failed` : "none"}
        isBad={errors > 0}
      />
      <Figure name="Tokens in" value={count(total(found, "tokens", "in"))} note={cachedNote(found)} />
      <Figure name="Tokens out" value={count(total(found, "tokens", "out"))} />
      <Figure
        name="Cost"
        value={spent === 0 && unpriced > 0 ? "unpriced" : cost(spent)}
        note={unpriced ? `${count(unpriced)} calls have no price` : undefined}
        title={found.unpriced.map((one) => `${one.model}: ${one.n}`).join("\n")}
      />
      <Figure name="Scores" value={count(total(found, "scores", "n"))} />
    </dl>
  );
}

function cachedNote(found: Metrics): string | undefined {
  const cached = total(found, "tokens", "cached");
  const all = total(found, "tokens", "in");
  return cached && all ? `${Math.round((cached / all) * 100)} % cached` : undefined;
}

interface FigureProps {
  name: string;
  value: string;
  note?: string | undefined;
  title?: string | undefined;
  isBad?: boolean;
}

function Figure({ name, value, note, title, isBad = false }: FigureProps) {
  return (
    <div className="figure" title={title || undefined}>
      <dt className="muted">{name}</dt>
      <dd className={isBad ? "number figure-bad" : "number"}>{value}</dd>
      {note && <dd className="figure-note muted">{note}</dd>}
    </div>
  );
}
