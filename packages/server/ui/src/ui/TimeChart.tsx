import { type ReactNode, useState } from "react";
import { linePath, type Series, topOf } from "../model/chart";
import { fullTime, when } from "../model/format";
import { AXIS, Bars, ChartTable, Grid, Legend, Tip } from "./chartParts";
import { useBrush } from "./useBrush";
import { useWidth } from "./useWidth";

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

/** Series over time as SVG: crosshair, a range by drag or by keys, and a table for those who prefer one. */
export function TimeChart(props: TimeChartProps) {
  const { series, from, step, height = 140, bare = false, onRange } = props;
  const [width, box] = useWidth();
  const [ownHover, setOwnHover] = useState<number | null>(null);
  const [isTable, setTable] = useState(false);
  const plot = bare ? height : height - AXIS;
  const points = series[0]?.values.length ?? 0;
  const top = topOf(series, props.kind === "bars");
  const levels = bare ? [] : [top / 2, top].map(props.format);
  const gutter = levels.reduce((most, level) => Math.max(most, level.length * LETTER + 8), 0);
  const inner = Math.max(width - gutter, 1);
  const hover = props.hover !== undefined ? props.hover : ownHover;
  const setHover = props.onHover ?? setOwnHover;
  const choose = (a: number, b: number) => {
    if (a !== b || !props.onPick) onRange?.(from + a * step, from + (b + 1) * step);
    else props.onPick(series[0]?.name ?? "", from + a * step, from + (a + 1) * step);
  };
  const brush = useBrush({ points, gutter, at: hover, onAt: setHover, onChoose: onRange && choose });
  const { chosen } = brush;
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
        className={onRange ? "chart-area brushable" : "chart-area"}
        aria-label={`${props.title}, ${points} points from ${fullTime(from)}`}
        {...(onRange
          ? {
              role: "slider",
              tabIndex: 0,
              "aria-valuemin": 0,
              "aria-valuemax": Math.max(points - 1, 0),
              "aria-valuenow": hover ?? Math.max(points - 1, 0),
              "aria-valuetext": told(props, hover ?? points - 1, chosen),
              "aria-description": "Arrows walk, with Shift they choose a time, Enter applies it",
            }
          : { role: "img" })}
        {...brush.handlers}
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
          {chosen && (
            <rect
              className="brush"
              x={(chosen[0] * inner) / points}
              width={((chosen[1] - chosen[0] + 1) * inner) / points}
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

/** A bucket, or the time that is chosen, in words. */
function told(props: TimeChartProps, at: number, chosen: [number, number] | null): string {
  const begin = (bucket: number) => when(props.from + bucket * props.step);
  if (chosen && chosen[0] !== chosen[1]) return `${begin(chosen[0])} to ${begin(chosen[1] + 1)} chosen`;
  const values = props.series.map(({ name, values }) => {
    const value = values[at];
    return value === null || value === undefined ? "" : `${name} ${props.format(value)}`;
  });
  return [begin(at), ...values.filter(Boolean)].join(", ");
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
