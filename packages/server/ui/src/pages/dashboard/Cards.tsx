import type { Metrics } from "../../api/types";
import type { Series } from "../../model/chart";
import { cost, count, duration } from "../../model/format";
import {
  byKey,
  byStat,
  hasValues,
  okAndErrors,
  scoreLines,
  tokenParts,
  tokensByKey,
} from "../../model/metrics";
import { TimeChart } from "../../ui/TimeChart";

interface Props {
  found: Metrics;
  costs: Metrics | undefined;
  by: string;
  hover: number | null;
  onHover: (bucket: number | null) => void;
  onRange: (from: number, to: number) => void;
  onPick: (condition: string, from: number, to: number) => void;
}

interface Card {
  title: string;
  kind: "bars" | "lines";
  series: Series[];
  format: (value: number) => string;
  condition?: string;
}

/** Charts over the same time: one crosshair, one range. */
export function Cards(props: Props) {
  const { found, costs, by } = props;
  const cards = [...(by ? grouped(found, by) : whole(found)), ...costCard(costs, by), ...scoreCard(found)];
  return (
    <div className="cards">
      {cards.map((card) => (
        <section key={card.title} className="card" aria-label={card.title}>
          {hasValues(card.series) ? (
            <TimeChart
              title={card.title}
              kind={card.kind}
              series={card.series}
              format={card.format}
              from={found.t[0] ?? 0}
              step={found.step_ms * 1000}
              isLastPartial={found.partial_last}
              hover={props.hover}
              onHover={props.onHover}
              onRange={props.onRange}
              onPick={(_, from, to) => props.onPick(card.condition ?? "", from, to)}
            />
          ) : (
            <>
              <h2 className="chart-title">{card.title}</h2>
              <p className="muted card-empty">Nothing of this was recorded in this time.</p>
            </>
          )}
        </section>
      ))}
    </div>
  );
}

function whole(found: Metrics): Card[] {
  const about = found.exact ? "" : " (about)";
  return [
    { title: "Traces and errors", kind: "bars", series: okAndErrors(found), format: count },
    { title: `Latency${about}`, kind: "lines", series: byStat(found, "latency"), format: whole_us },
    { title: `Time to first token${about}`, kind: "lines", series: byStat(found, "ttft"), format: whole_us },
    { title: "Tokens", kind: "bars", series: tokenParts(found), format: count },
  ];
}

function grouped(found: Metrics, by: string): Card[] {
  const about = found.exact ? "" : ", about";
  const rows = ["model", "type", "provider"].includes(by) ? "Spans" : "Traces";
  return [
    { title: `${rows} by ${by}`, kind: "bars", series: byKey(found, "count", "n"), format: count },
    {
      title: `Errors by ${by}`,
      kind: "bars",
      series: byKey(found, "errors", "n"),
      format: count,
      condition: "status:error",
    },
    {
      title: `Latency p95 by ${by}${about}`,
      kind: "lines",
      series: byKey(found, "latency", "p95"),
      format: whole_us,
    },
    { title: `Tokens by ${by}`, kind: "bars", series: tokensByKey(found), format: count },
  ];
}

function costCard(costs: Metrics | undefined, by: string): Card[] {
  if (!costs) return [];
  return [
    { title: `Cost by ${by || "model"}`, kind: "bars", series: byKey(costs, "cost", "sum"), format: cost },
  ];
}

function scoreCard(found: Metrics): Card[] {
  const { series, n } = scoreLines(found);
  if (!n) return [];
  const format = (value: number) => String(Number(value.toPrecision(3)));
  return [{ title: `Mean scores (${count(n)})`, kind: "lines", series, format }];
}

const whole_us = (us: number) => duration(Math.round(us));
