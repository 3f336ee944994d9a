import { useEffect, useMemo, useRef } from "react";
import type { CompareRow, SpanColumns } from "../../api/types";
import { delta, depthsOf } from "../../model/compare";
import { cost, count, duration } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { kindOf } from "../../model/kinds";
import { useRows } from "../../ui/VirtualList";

const ROW_PX = 24;
const INDENT_PX = 14;
const DEEPEST = 24;
const MARKS: Record<CompareRow["state"], { mark: string; word: string }> = {
  same: { mark: "", word: "same" },
  changed: { mark: "≠", word: "changed" },
  only_a: { mark: "A", word: "only in A" },
  only_b: { mark: "B", word: "only in B" },
};

interface Props {
  rows: readonly CompareRow[];
  shown: readonly number[]; // indexes of rows
  a: SpanColumns;
  b: SpanColumns;
  at: number;
  onChoose: (row: number) => void;
}

/** Both traces as one tree; a row is a pair, or a span only one of them has. */
export function CompareTree({ rows, shown, a, b, at, onChoose }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const depths = useMemo(() => depthsOf(rows), [rows]);
  const virtual = useRows(scroller, shown.length, ROW_PX, (n) => shown[n] ?? n);
  const place = shown.indexOf(at);
  useEffect(() => {
    if (place >= 0) virtual.scrollToIndex(place);
  }, [place, virtual]);
  if (!shown.length) return <p className="muted compare-empty">The two do not differ.</p>;
  return (
    <div className="compare-side">
      <div className="compare-heads muted" title="Of a pair: how B differs from A">
        <span>Span</span>
        <span className="pair-facts">
          <span>Duration</span>
          <span>Tokens</span>
          <span>Cost</span>
        </span>
      </div>
      <div
        className="compare-tree"
        ref={scroller}
        role="tree"
        aria-label="Spans of both"
        tabIndex={0}
        aria-activedescendant={place >= 0 ? `pair-${at}` : undefined}
      >
        <div className="virtual-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const index = shown[item.index] as number;
            const row = rows[index] as CompareRow;
            return (
              <PairRow
                key={index}
                index={index}
                row={row}
                a={a}
                b={b}
                depth={depths[index] ?? 0}
                top={item.start}
                isSelected={index === at}
                onChoose={onChoose}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  index: number;
  row: CompareRow;
  a: SpanColumns;
  b: SpanColumns;
  depth: number;
  top: number;
  isSelected: boolean;
  onChoose: (row: number) => void;
}

function PairRow({ index, row, a, b, depth, top, isSelected, onChoose }: RowProps) {
  const [cols, n] = row.a !== null ? [a, row.a] : [b, row.b ?? 0];
  const kind = kindOf(cols.type[n] ?? "general");
  const { mark, word } = MARKS[row.state];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the page takes the keys for all rows
    <div
      role="treeitem"
      tabIndex={-1}
      id={`pair-${index}`}
      aria-level={depth + 1}
      aria-selected={isSelected}
      className={`pair-row pair-${row.state}${isSelected ? " selected" : ""}`}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onChoose(index)}
    >
      <span className="pair-mark" title={word}>
        <span aria-hidden="true">{mark}</span>
        <span className="sr-only">{word}</span>
      </span>
      <span className="pair-name" style={{ paddingLeft: Math.min(depth, DEEPEST) * INDENT_PX }}>
        <span className={`kind kind-${kind.css}`}>{kind.letter}</span>
        <span className={isFailed(a, row.a) || isFailed(b, row.b) ? "tree-label label-error" : "tree-label"}>
          {visibleText(cols.name[n] ?? "") || "(no name)"}
        </span>
      </span>
      <span className="pair-facts number">
        <span>
          {row.a !== null && row.b !== null
            ? delta(value(a.dur_us, row.a), value(b.dur_us, row.b), duration)
            : duration(cols.dur_us[n] ?? -1)}
        </span>
        <span>{both(row, (cols, at) => tokens(cols, at), a, b, count)}</span>
        <span>{both(row, (cols, at) => cols.cost[at] ?? null, a, b, cost)}</span>
      </span>
    </div>
  );
}

const isFailed = (cols: SpanColumns, at: number | null) => at !== null && cols.status[at] === "error";

const value = (column: readonly number[], at: number | null): number | null => {
  const found = at === null ? null : (column[at] ?? null);
  return found !== null && found < 0 ? null : found;
};

const tokens = (cols: SpanColumns, at: number) => (cols.tin[at] ?? 0) + (cols.tout[at] ?? 0);

/** The difference of a pair; nothing where there is no pair. */
function both(
  row: CompareRow,
  read: (cols: SpanColumns, at: number) => number | null,
  a: SpanColumns,
  b: SpanColumns,
  format: (value: number) => string,
): string {
  return row.a === null || row.b === null ? "" : delta(read(a, row.a), read(b, row.b), format);
}
