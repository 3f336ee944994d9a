import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import type { SpanColumns, Trace } from "../api/types";
import { count, duration } from "../model/format";
import { kindOf } from "../model/kinds";
import { bar, extent, type Line, visibleLines } from "../model/tree";
import { Status } from "../ui/Status";

const ROW_PX = 26;
const TRACE = -1;

interface Props {
  trace: Trace;
  cols: SpanColumns;
  selected: number; // row index, -1 for the trace
  onSelect: (index: number) => void;
}

/** The tree with its waterfall. Arrow keys, Home and End walk; right and left open and close. */
export function SpanTree({ trace, cols, selected, onSelect }: Props) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(new Set());
  const lines = useMemo(() => visibleLines(cols.parent, collapsed), [cols.parent, collapsed]);
  const now = useNow(trace.dur_us < 0 || cols.dur_us.includes(-1));
  const { from, total } = useMemo(() => extent(cols, trace.start_us, trace.dur_us, now), [cols, trace, now]);
  const scroller = useRef<HTMLDivElement>(null);
  const at = lines.findIndex((line) => line.index === selected);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at);
  }, [at, virtual]);
  const toggle = (index: number, close: boolean) => {
    const next = new Set(collapsed);
    if (close) next.add(index);
    else next.delete(index);
    setCollapsed(next);
  };
  const walk = (event: KeyboardEvent) => {
    const line = lines[at];
    const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: lines.length - 1 }[
      event.key
    ];
    if (to !== undefined) {
      event.preventDefault();
      const next = lines[Math.min(Math.max(to, 0), lines.length - 1)];
      if (next) onSelect(next.index);
    } else if (line && event.key === "ArrowRight" && line.hasChildren) {
      event.preventDefault();
      toggle(line.index, false);
    } else if (line && event.key === "ArrowLeft") {
      event.preventDefault();
      if (line.hasChildren && !collapsed.has(line.index)) toggle(line.index, true);
      else if (line.index !== TRACE) onSelect(cols.parent[line.index] ?? TRACE);
    }
  };
  return (
    <div className="tree" ref={scroller}>
      <Axis total={total} />
      <div
        role="tree"
        aria-label="Spans"
        tabIndex={0}
        aria-activedescendant={`line-${selected}`}
        onKeyDown={walk}
        className="tree-body"
        style={{ height: virtual.getTotalSize() }}
      >
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index] as Line;
          return (
            <TreeLine
              key={line.index}
              line={line}
              top={item.start}
              isSelected={line.index === selected}
              isOpen={line.hasChildren ? !collapsed.has(line.index) : undefined}
              view={line.index === TRACE ? traceView(trace) : spanView(cols, line.index)}
              place={bar(
                line.index === TRACE ? trace.start_us : (cols.start_us[line.index] as number),
                took(trace, cols, line.index, now),
                from,
                total,
              )}
              onSelect={onSelect}
              onToggle={toggle}
            />
          );
        })}
      </div>
    </div>
  );
}

function took(trace: Trace, cols: SpanColumns, index: number, now: number): number {
  const start = index === TRACE ? trace.start_us : (cols.start_us[index] as number);
  const length = index === TRACE ? trace.dur_us : (cols.dur_us[index] as number);
  return length < 0 ? Math.max(now - start, 0) : length;
}

interface View {
  name: string;
  type: string;
  status: Trace["status"];
  dur_us: number;
  tokens: number;
  scores: number;
}

const traceView = (trace: Trace): View => ({
  name: trace.name,
  type: "trace",
  status: trace.status,
  dur_us: trace.dur_us,
  tokens: trace.tin + trace.tout,
  scores: trace.scores.length,
});

const spanView = (cols: SpanColumns, n: number): View => ({
  name: cols.name[n] as string,
  type: cols.type[n] as string,
  status: cols.status[n] as Trace["status"],
  dur_us: cols.dur_us[n] as number,
  tokens: (cols.tin[n] ?? 0) + (cols.tout[n] ?? 0),
  scores: cols.scores[n] as number,
});

interface TreeLineProps {
  line: Line;
  top: number;
  isSelected: boolean;
  isOpen: boolean | undefined;
  view: View;
  place: { left: number; width: number };
  onSelect: (index: number) => void;
  onToggle: (index: number, close: boolean) => void;
}

function TreeLine({ line, top, isSelected, isOpen, view, place, onSelect, onToggle }: TreeLineProps) {
  const kind = kindOf(view.type);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all its lines
    <div
      role="treeitem"
      id={`line-${line.index}`}
      aria-level={line.depth + 1}
      aria-posinset={line.position}
      aria-setsize={line.siblings}
      aria-selected={isSelected}
      aria-expanded={isOpen}
      className={`tree-line${isSelected ? " selected" : ""}`}
      style={{ top }}
      onClick={() => onSelect(line.index)}
    >
      <span className="tree-name" style={{ paddingLeft: 8 + Math.min(line.depth, 24) * 14 }}>
        <button
          type="button"
          className="twisty"
          tabIndex={-1}
          aria-hidden="true"
          data-open={isOpen}
          onClick={(event) => {
            event.stopPropagation();
            if (isOpen !== undefined) onToggle(line.index, isOpen);
          }}
        >
          {isOpen === undefined ? "" : "▸"}
        </button>
        <span className={`kind kind-${kind.css}`} title={view.type}>
          {kind.letter}
        </span>
        <span className="tree-label">{view.name || "(no name)"}</span>
        {view.status !== "ok" && <Status status={view.status} />}
        {view.scores > 0 && (
          <span className="tree-scores" title={`${view.scores} scores`}>
            ★{view.scores}
          </span>
        )}
      </span>
      <span className="number tree-tokens">{view.tokens ? count(view.tokens) : ""}</span>
      <span className="number tree-duration">{duration(view.dur_us)}</span>
      <span className="tree-time" aria-hidden="true">
        <span
          className={`bar kind-${kind.css} bar-${view.status}`}
          style={{ left: `${place.left * 100}%`, width: `${place.width * 100}%` }}
        />
      </span>
    </div>
  );
}

function Axis({ total }: { total: number }) {
  return (
    <div className="tree-line axis" aria-hidden="true">
      <span className="tree-name axis-label">Span</span>
      <span className="number">Tokens</span>
      <span className="number">Time</span>
      <span className="tree-time">
        {[0, 0.25, 0.5, 0.75].map((share) => (
          <span key={share} className="tick" style={{ left: `${share * 100}%` }}>
            {share === 0 ? "0" : duration(Math.round(total * share))}
          </span>
        ))}
      </span>
    </div>
  );
}

/** The time in microseconds, moving while something runs. */
function useNow(isMoving: boolean): number {
  const [now, setNow] = useState(() => Date.now() * 1000);
  useEffect(() => {
    if (!isMoving) return;
    const timer = setInterval(() => setNow(Date.now() * 1000), 500);
    return () => clearInterval(timer);
  }, [isMoving]);
  return now;
}
