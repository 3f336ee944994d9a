import { type KeyboardEvent, type RefObject, useCallback, useEffect, useRef } from "react";
import type { SpanColumns, Trace } from "../../api/types";
import { cost } from "../../model/format";
import { axisTicks, tickLabel } from "../../model/time";
import { CUT, hasChildren, indexOfPlace, MISSING, TRACE } from "../../model/tree";
import { useFirstFocus } from "../../ui/useFirstFocus";
import { useWidth } from "../../ui/useWidth";
import { useRows } from "../../ui/VirtualList";
import { ROW_PX, TreeRow, type TreeRowProps } from "./TreeRow";
import type { TraceModel } from "./useTraceModel";

export interface Columns {
  model: boolean;
  tokens: boolean;
  cost: boolean;
}

interface Props {
  trace: Trace;
  cols: SpanColumns;
  model: TraceModel;
  selected: number; // place
  columns: Columns;
  hasWaterfall: boolean;
  onSelect: (place: number) => void;
  scrollRef: RefObject<((place: number) => void) | null>;
}

/** The tree and its waterfall on the same rows. Arrows, Home, End, PgUp and PgDn walk; left and right close and open. */
export function TreePane(props: Props) {
  const { model, selected, hasWaterfall, onSelect } = props;
  const { tree, seen, folds, scale } = model;
  const scroller = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  useFirstFocus(body);
  const at = indexOfPlace(seen, selected);
  const virtual = useRows(scroller, seen.length, ROW_PX);
  const hasMoved = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new selection scrolls; rows that arrive do not
  useEffect(() => {
    // A step keeps the rows where they are; a jump brings its row into the middle.
    const { startIndex, endIndex } = virtual.range ?? { startIndex: 0, endIndex: -1 };
    const isStep = hasMoved.current && at >= startIndex - 2 && at <= endIndex + 1;
    if (seen[at] === selected) virtual.scrollToIndex(at, { align: isStep ? "auto" : "center" });
    hasMoved.current = true;
  }, [selected]);
  props.scrollRef.current = (place) => virtual.scrollToIndex(indexOfPlace(seen, place), { align: "auto" });
  const turn = useCallback((place: number, close: boolean) => foldsRef.current.turn(place, close), []);
  const foldsRef = useRef(folds);
  foldsRef.current = folds;
  const walk = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 2);
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: seen.length - 1,
    };
    const to = steps[event.key];
    const isOpen = hasChildren(tree, selected) && !folds.closed[selected];
    if (to !== undefined) {
      onSelect(seen[Math.min(Math.max(to, 0), seen.length - 1)] as number);
    } else if (event.key === "ArrowRight" && hasChildren(tree, selected)) {
      if (isOpen) onSelect(seen[at + 1] ?? selected);
      else folds.turn(selected, false);
    } else if (event.key === "ArrowLeft") {
      if (isOpen) folds.turn(selected, true);
      else if (selected > 0) onSelect(tree.parent[selected] as number);
    } else return;
    event.preventDefault();
  };
  const items = virtual.getVirtualItems();
  const shown = items.map((item) => ({ place: seen[item.index] as number, top: item.start }));
  const isAway = seen[at] === selected && !shown.some((row) => row.place === selected);
  if (isAway) shown.push({ place: selected, top: at * ROW_PX }); // what has the focus always exists
  return (
    <div className={hasWaterfall ? "tree" : "tree tree-only"}>
      {hasWaterfall && <Axis scale={scale} />}
      <div className="tree-scroll" ref={scroller}>
        <div
          ref={body}
          role="tree"
          aria-label="Spans"
          tabIndex={0}
          aria-activedescendant={`row-${selected}`}
          onKeyDown={walk}
          className="virtual-body tree-body"
          style={{ height: virtual.getTotalSize() }}
        >
          {shown.map(({ place, top }) => (
            <TreeRow key={place} {...rowOf(props, place)} top={top} onSelect={onSelect} onTurn={turn} />
          ))}
        </div>
      </div>
    </div>
  );
}

type Facts = Omit<TreeRowProps, "top" | "onSelect" | "onTurn">;

function rowOf({ trace, cols, model, selected, columns, hasWaterfall }: Props, place: number): Facts {
  const { tree, sums, times, scale, folds, matches, path } = model;
  const row = tree.row[place] as number;
  const isClosed = hasChildren(tree, place) && folds.closed[place] === 1 && matches === null;
  const isSum = isClosed || row < 0;
  const [start, end] = [times.start[place] as number, times.end[place] as number];
  const left = scale.at(start);
  const ttft = row >= 0 ? cols.ttft_us?.[row] : null;
  const tokens = isSum
    ? (sums.tin[place] as number) + (sums.tout[place] as number)
    : (cols.tin[row] ?? 0) + (cols.tout[row] ?? 0);
  const price = isSum ? (sums.cost[place] as number) : (cols.cost[row] ?? Number.NaN);
  return {
    place,
    id: row >= 0 ? (cols.id[row] as string) : String(row),
    name: row === TRACE ? trace.name : row === MISSING ? "missing parent" : (cols.name[row] as string),
    type: row === TRACE ? "trace" : row === MISSING ? "missing" : (cols.type[row] as string),
    status: row === TRACE ? trace.status : row === MISSING ? "ok" : (cols.status[row] as Facts["status"]),
    mark: markOf(cols, model, place),
    depth: tree.depth[place] as number,
    fold: !hasChildren(tree, place) ? "none" : isClosed ? "closed" : "open",
    isSelected: place === selected,
    isMatch: matches?.includes(place) ?? false,
    isDim: path !== null && path[place] === 0,
    model: columns.model && row >= 0 ? (cols.model[row] ?? "") : "",
    tokens: columns.tokens ? tokens : 0,
    cost: columns.cost && !Number.isNaN(price) ? cost(price) : "",
    below: (tree.end[place] as number) - place - 1,
    errorsBelow: sums.errors[place] as number,
    scores: row === TRACE ? trace.scores.length : row >= 0 ? (cols.scores[row] ?? 0) : 0,
    left,
    width: Math.max(scale.at(end) - left, 0),
    ttft: ttft === null || ttft === undefined ? -1 : scale.at(start + ttft),
    took: row === MISSING ? -1 : end - start,
    hasWaterfall,
  };
}

/** What is odd about a span's place or time, in words. */
function markOf(cols: SpanColumns, { tree, times }: TraceModel, place: number): string {
  const row = tree.row[place] as number;
  if (row === MISSING) return "These spans name a parent that has not arrived";
  if (row < 0) return "";
  if ((cols.flags?.[row] ?? 0) & CUT) return "Its parents form a circle; it is shown at the top";
  const parent = tree.parent[place] as number;
  const skew = 1000;
  if (
    (tree.row[parent] as number) >= 0 &&
    (times.start[place] as number) < (times.start[parent] as number) - skew
  )
    return "It starts before its parent: the clocks differ";
  return "";
}

function Axis({ scale }: { scale: TraceModel["scale"] }) {
  const [width, box] = useWidth();
  return (
    <div className="axis" aria-hidden="true">
      <span />
      <span className="axis-time" ref={box}>
        {axisTicks(scale, Math.max(1, Math.floor(width / 80))).map((us) => (
          <span key={us} className="tick" style={{ left: `${(scale.at(us) * 100).toFixed(3)}%` }}>
            {scale.at(us) < 0.86 && tickLabel(us)}
          </span>
        ))}
      </span>
    </div>
  );
}
