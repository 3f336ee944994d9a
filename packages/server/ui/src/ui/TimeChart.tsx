import { type PointerEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { linePath, type Series, stacked, tickText, timeTicks, topOf } from "../model/chart";
import { fullTime, when } from "../model/format";

export interface TimeChartProps {
  title: string;
  from: number; // µs, begin of the first bucket
  step: number; // µs
  series: Series[];
  kind: "bars" | "lines"; // bars are stacked
  height?: number;
  bare?: boolean; // a strip without axes and legend
  format: (value: number) => string;
  onRange?: (from: number, to: number) => void; // drag
  onPick?: (series: string, from: number, to: number) => void; // click
  hover?: number | null; // bucket under the pointer, when several charts share it
  onHover?: (bucket: number | null) => void;
  isLastPartial?: boolean;
}

const LETTER = 5.8; // px of a digit on an axis, about
const AXIS = 16; // px under the plot, for its times

/** Series over time as SVG: crosshair, drag to choose a range, and a table for those who prefer one. */
export function TimeChart(props: TimeChartProps) {
  const { series, from, step, height = 140, bare = false, onRange } = props;
  const [width, box] = useWidth();
  const [ownHover, setOwnHover] = useState<number | null>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const [isTable, setTable] = useState(false);
  const plot = bare ? height : height - AXIS;
  const points = series[0]?.values.length ?? 0;
  const top = topOf(series, props.kind === "bars");
  const levels = bare ? [] : [top / 2, top].map(props.format);
  const gutter = levels.reduce((most, level) => Math.max(most, level.length * LETTER + 8), 0);
  const inner = Math.max(width - gutter, 1);
  const hover = props.hover !== undefined ? props.hover : ownHover;
  const setHover = props.onHover ?? setOwnHover;
  const bucketAt = (event: PointerEvent<SVGSVGElement>) => {
    const at = event.clientX - event.currentTarget.getBoundingClientRect().left - gutter;
    return Math.min(Math.max(Math.floor((at / inner) * points), 0), points - 1);
  };
  const drop = () => {
    if (!drag) return;
    const [a, b] = [Math.min(...drag), Math.max(...drag)];
    setDrag(null);
    if (a !== b) onRange?.(from + a * step, from + (b + 1) * step);
    else props.onPick?.(series[0]?.name ?? "", from + a * step, from + (a + 1) * step);
  };
  if (isTable) return <ChartTable {...props} onBack={() => setTable(false)} />;
  return (
    <figure className={bare ? "chart chart-bare" : "chart"} ref={box}>
      {!bare && (
        <figcaption>
          <span className="chart-title">{props.title}</span>
          <Legend series={series} />
          <button type="button" className="quiet" onClick={() => setTable(true)}>
            Table
          </button>
        </figcaption>
      )}
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`${props.title}, ${points} points from ${fullTime(from)}`}
        className={onRange ? "chart-area brushable" : "chart-area"}
        onPointerDown={(event) => {
          if (event.button !== 0 || !(onRange || props.onPick)) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag([bucketAt(event), bucketAt(event)]);
        }}
        onPointerMove={(event) => {
          setHover(bucketAt(event));
          if (drag) setDrag([drag[0], bucketAt(event)]);
        }}
        onPointerUp={drop}
        onPointerCancel={() => setDrag(null)}
        onPointerLeave={() => !drag && setHover(null)}
      >
        <g transform={`translate(${gutter} 0)`}>
          {!bare && <Grid {...props} levels={levels} width={inner} height={height} />}
          {props.kind === "bars" ? (
            <Bars {...props} width={inner} height={plot} top={top} />
          ) : (
            series.map((one, n) => (
              <path
                key={one.name}
                d={linePath(one.values, inner, plot, top)}
                className={`line ${one.css ?? `series-${n + 1}`}`}
              />
            ))
          )}
          {hover !== null && hover < points && (
            <rect className="hover" x={(hover * inner) / points} width={inner / points} height={plot} />
          )}
          {drag && (
            <rect
              className="brush"
              x={(Math.min(...drag) * inner) / points}
              width={((Math.abs(drag[1] - drag[0]) + 1) * inner) / points}
              height={plot}
            />
          )}
        </g>
      </svg>
      {hover !== null && hover < points && (
        <Tip
          {...props}
          at={hover}
          left={gutter + ((hover + 0.5) / points) * inner}
          isLate={hover > points / 2}
        />
      )}
    </figure>
  );
}

function Bars({
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

function Grid({
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

function Legend({ series }: { series: Series[] }) {
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

function Tip({
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

function ChartTable({ title, series, from, step, format, onBack }: TimeChartProps & { onBack: () => void }) {
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

/** The width of a box, followed as it changes. */
export function useWidth(): [number, (element: HTMLElement | null) => void] {
  const [width, setWidth] = useState(0);
  const observer = useRef<ResizeObserver | null>(null);
  useEffect(() => () => observer.current?.disconnect(), []);
  const box = (element: HTMLElement | null): void => {
    if (!element || observer.current) return;
    observer.current = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.current.observe(element);
  };
  return [width, box];
}

/** A line without axes, as wide as a word. */
export function Spark({ values, label }: { values: (number | null)[]; label: string }): ReactNode {
  const top = values.reduce<number>((a, b) => Math.max(a, b ?? 0), 0) || 1;
  return (
    <svg className="spark" width={64} height={16} role="img" aria-label={label}>
      <path d={linePath(values, 64, 15, top)} className="line series-1" />
    </svg>
  );
}
