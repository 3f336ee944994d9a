/** What a chart over time is drawn of. */

import { type Series, stacked, tickText, timeTicks } from "../model/chart";
import { when } from "../model/format";
import type { TimeChartProps } from "./TimeChart";

export const AXIS = 16; // px under the plot, for its times

export function Bars({
  series,
  width,
  height,
  top,
  isLastPartial,
}: TimeChartProps & { width: number; height: number; top: number }) {
  const points = series[0]?.values.length ?? 0;
  const step = width / Math.max(points, 1);
  const gap = step > 5 ? 1 : 0;
  return stacked(series).map((pairs, n) => (
    <g key={series[n]?.name} className={series[n]?.css ?? `series-${n + 1}`}>
      {pairs.map((pair, at) => {
        if (!pair || pair[1] === pair[0]) return null;
        const tall = Math.max(((pair[1] - pair[0]) / top) * height, 1.5);
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bucket is its place
            key={at}
            x={at * step}
            y={height - (pair[0] / top) * height - tall}
            width={Math.max(step - gap, 0.5)}
            height={tall}
            className={isLastPartial && at === points - 1 ? "partial" : undefined}
          />
        );
      })}
    </g>
  ));
}

export function Grid({
  width,
  height,
  from,
  step,
  series,
  levels,
}: TimeChartProps & { width: number; height: number; levels: string[] }) {
  const span = step * (series[0]?.values.length ?? 0);
  const plot = height - AXIS;
  const lineAt = (share: number) => plot - share * plot + 0.5;
  return (
    <g className="grid">
      {[0, 0.5, 1].map((share, n) => (
        <g key={share}>
          <line x1={0} x2={width} y1={lineAt(share)} y2={lineAt(share)} />
          <text x={-6} y={Math.max(lineAt(share) + 3.5, 9)} className="level">
            {n > 0 && levels[n - 1]}
          </text>
        </g>
      ))}
      {timeTicks(from, from + span, Math.max(2, Math.floor(width / 80))).map((us) => (
        <text key={us} x={((us - from) / span) * width + 3} y={height - 3}>
          {tickText(us, span)}
        </text>
      ))}
    </g>
  );
}

export function Legend({ series }: { series: Series[] }) {
  if (series.length < 2) return <span className="legend" />;
  return (
    <span className="legend">
      {series.map((one, n) => (
        <span key={one.name} className={`legend-item ${one.css ?? `series-${n + 1}`}`}>
          {one.name}
        </span>
      ))}
    </span>
  );
}

export function Tip({
  series,
  at,
  left,
  isLate,
  from,
  step,
  format,
}: TimeChartProps & { at: number; left: number; isLate: boolean }) {
  return (
    <div className={isLate ? "chart-tip left" : "chart-tip"} style={{ left }}>
      <div className="muted">{when(from + at * step)}</div>
      {series.map((one, n) => {
        const value = one.values[at];
        if (value === null || value === undefined || (value === 0 && series.length > 3)) return null;
        return (
          <div key={one.name} className="chart-tip-line">
            <span className={`legend-item ${one.css ?? `series-${n + 1}`}`}>{one.name}</span>
            <span className="number">{format(value)}</span>
          </div>
        );
      })}
    </div>
  );
}

export function ChartTable({
  title,
  series,
  from,
  step,
  format,
  onBack,
}: TimeChartProps & { onBack: () => void }) {
  return (
    <figure className="chart">
      <figcaption>
        <span className="chart-title">{title}</span>
        <button type="button" className="quiet" onClick={onBack}>
          Chart
        </button>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
      <div className="chart-table" tabIndex={0} role="region" aria-label={title}>
        <table className="plain">
          <thead>
            <tr>
              <th>Time</th>
              {series.map((one) => (
                <th key={one.name}>{one.name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {series[0]?.values.map((_, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a bucket is its place
              <tr key={n}>
                <td>{when(from + n * step)}</td>
                {series.map((one) => (
                  <td key={one.name} className="number">
                    {one.values[n] === null || one.values[n] === undefined ? "" : format(one.values[n])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
