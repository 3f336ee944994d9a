import { memo, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import type { SpanColumns } from "../../api/types";
import { kindOf } from "../../model/kinds";
import type { Range, Times } from "../../model/time";
import type { Tree } from "../../model/tree";
import { useIsDark } from "../../ui/theme";
import { useWidth } from "../../ui/useWidth";
import type { TraceModel } from "./useTraceModel";

const LANE_PX = 4;
const LANES = 12;

interface Props {
  cols: SpanColumns;
  model: TraceModel;
  zoom: Range | null;
  onZoom: (zoom: Range | null) => void;
}

/** The whole trace in one pass of a canvas. Drag to zoom, double-click to see all. */
export const Minimap = memo(function Minimap({ cols, model, zoom, onZoom }: Props) {
  const { tree, times } = model;
  const [width, box] = useWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const isDark = useIsDark();
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const lanes = useMemo(() => Math.min(deepestOf(tree), LANES), [tree]);
  const height = Math.max(lanes * LANE_PX, 12) + 8;
  useEffect(() => {
    void isDark; // other colours, other picture
    if (canvas.current && width) draw(canvas.current, cols, tree, times, width, height, lanes);
  }, [cols, tree, times, width, height, lanes, isDark]);
  const share = (event: PointerEvent<HTMLDivElement>) => {
    const { left, width: whole } = event.currentTarget.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / whole, 0), 1);
  };
  const drop = () => {
    if (!drag) return;
    const [a, b] = [Math.min(...drag), Math.max(...drag)];
    if ((b - a) * width > 4) onZoom([Math.floor(a * times.total), Math.ceil(b * times.total)]);
    setDrag(null);
  };
  const shown: Range | null = drag
    ? [Math.min(...drag), Math.max(...drag)]
    : zoom && [zoom[0] / times.total, zoom[1] / times.total];
  return (
    <div
      className="minimap"
      ref={box}
      style={{ height }}
      aria-hidden="true"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([share(event), share(event)]);
      }}
      onPointerMove={(event) => drag && setDrag([drag[0], share(event)])}
      onPointerUp={drop}
      onPointerCancel={() => setDrag(null)}
      onDoubleClick={() => onZoom(null)}
    >
      <canvas ref={canvas} />
      {shown && (
        <>
          <div className="minimap-out" style={{ left: 0, width: `${shown[0] * 100}%` }} />
          <div className="minimap-out" style={{ left: `${shown[1] * 100}%`, right: 0 }} />
          <div
            className="minimap-in"
            style={{ left: `${shown[0] * 100}%`, width: `${(shown[1] - shown[0]) * 100}%` }}
          />
        </>
      )}
    </div>
  );
});

function deepestOf(tree: Tree): number {
  let deepest = 1;
  for (const depth of tree.depth) deepest = Math.max(deepest, depth);
  return deepest;
}

function draw(
  canvas: HTMLCanvasElement,
  cols: SpanColumns,
  tree: Tree,
  times: Times,
  width: number,
  height: number,
  lanes: number,
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colours = new Map<string, string>();
  const colour = (name: string) => {
    const known = colours.get(name) ?? style.getPropertyValue(`--${name}`);
    colours.set(name, known);
    return known;
  };
  context.globalAlpha = 0.75;
  for (let p = 1; p < tree.row.length; p++) {
    const row = tree.row[p] as number;
    if (row < 0) continue;
    const x = ((times.start[p] as number) / times.total) * width;
    const long = (((times.end[p] as number) - (times.start[p] as number)) / times.total) * width;
    const lane = Math.min((tree.depth[p] as number) - 1, lanes - 1);
    const isError = cols.status[row] === "error";
    context.fillStyle = colour(isError ? "error" : kindOf(cols.type[row] as string).css);
    context.fillRect(x, 4 + lane * LANE_PX, Math.max(long, isError ? 2 : 0.6), LANE_PX - 1);
  }
}
