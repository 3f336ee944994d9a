import { type KeyboardEvent, memo, type ReactNode, type RefObject, useEffect, useMemo, useRef } from "react";
import { niceTop } from "../../model/chart";
import type { ShownColumn } from "../../model/columns";
import { rowPx } from "../../ui/looks";
import { useFirstFocus } from "../../ui/useFirstFocus";
import { useRows } from "../../ui/VirtualList";
import type { Column, Columns, ListRow, Scale } from "./column";
import { GridHead } from "./GridHead";

const HEAD_PX = 28;
const CHECK_PX = 34;
const AHEAD = 60; // rows before the end at which the next page is asked for

export interface GridColumn<R> extends ShownColumn {
  column: Column<R>;
  left: number | null; // px, when it is pinned
}

interface Props<R extends ListRow> {
  label: string;
  rows: R[];
  known: Columns<R>;
  columns: ShownColumn[];
  sort: string;
  active: { row: number; column: number };
  checked: ReadonlySet<string>;
  hasMore: boolean;
  scroller: RefObject<HTMLDivElement | null>;
  onActive: (active: { row: number; column: number }) => void;
  onCheck: (id: string, isChecked: boolean, isRange: boolean) => void;
  onCheckAll: (isChecked: boolean) => void;
  onSort: (sort: string) => void;
  onColumns: (columns: ShownColumn[]) => void;
  onEnd: () => void;
  onTop: (isAtTop: boolean) => void;
}

/** Rows of traces or spans: virtual, walked by keys, each a link. */
export function Grid<R extends ListRow>(props: Props<R>) {
  const { rows, active, checked, scroller, onActive, onEnd, onTop } = props;
  const columns = useMemo(() => placed(props.known, props.columns), [props.known, props.columns]);
  const virtual = useRows(scroller, rows.length, rowPx(), undefined, HEAD_PX);
  const body = useRef<HTMLDivElement>(null);
  useFirstFocus(body);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - AHEAD) onEnd();
  }, [last, rows.length, onEnd]);
  const isTop = useRef(true);
  const scrolled = () => {
    const isAtTop = (scroller.current?.scrollTop ?? 0) < rowPx();
    if (isAtTop !== isTop.current) onTop(isAtTop);
    isTop.current = isAtTop;
  };
  const activeId = rows[active.row]?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another active row scrolls; rows that come in do not
  useEffect(() => {
    if (activeId) virtual.scrollToIndex(active.row, { align: "auto" });
  }, [activeId]);
  const most = useMemo(() => niceTop(usualMost(rows)), [rows]);
  const scale = useMemo<Scale>(() => ({ duration: most }), [most]);
  const walk = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowPx()) - 2);
    const { row, column } = active;
    const to: Record<string, [number, number]> = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      PageDown: [row + page, column],
      PageUp: [row - page, column],
      Home: [0, column],
      End: [rows.length - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
    };
    const next = to[event.key];
    if (!next) return;
    event.preventDefault();
    onActive({ row: within(next[0], rows.length), column: within(next[1], columns.length) });
  };
  const template = `${CHECK_PX}px ${columns.map(({ column, width }) => track(column, width)).join(" ")}`;
  const wide = columns.reduce((sum, { column, width }) => sum + (width ?? column.width), CHECK_PX);
  return (
    <div className="grid-scroll" ref={scroller} onScroll={scrolled}>
      <div
        ref={body}
        role="grid"
        aria-label={props.label}
        aria-rowcount={props.hasMore ? -1 : rows.length + 1}
        aria-multiselectable="true"
        tabIndex={0}
        aria-activedescendant={activeId ? `row-${activeId}` : undefined}
        className="grid-body"
        style={{ minWidth: wide }}
        onKeyDown={walk}
      >
        <GridHead
          {...props}
          columns={columns}
          template={template}
          allChecked={rows.length > 0 && checked.size >= rows.length}
        />
        <div className="virtual-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            return (
              row && (
                <Row
                  key={row.id}
                  row={row}
                  index={item.index}
                  top={item.start}
                  columns={columns}
                  template={template}
                  scale={scale}
                  activeColumn={item.index === active.row ? active.column : -1}
                  isChecked={checked.has(row.id)}
                  onActive={onActive}
                  onCheck={props.onCheck}
                />
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** The duration that 19 of 20 rows keep under: one very slow trace does not flatten the bars of all others. */
function usualMost(rows: ListRow[]): number {
  const sorted = rows.map((row) => row.dur_us).sort((a, b) => a - b);
  return Math.max(sorted[Math.floor(sorted.length * 0.95)] ?? 1, 1);
}

const within = (n: number, length: number) => Math.min(Math.max(n, 0), Math.max(length - 1, 0));

const track = (column: Pick<Column<never>, "grows" | "width">, width: number | null) =>
  width ? `${width}px` : column.grows ? `minmax(${column.width}px, 1fr)` : `${column.width}px`;

/** Known columns, with where pinned ones stick. */
function placed<R>(known: Columns<R>, shown: ShownColumn[]): GridColumn<R>[] {
  let left = CHECK_PX;
  return shown.flatMap((one) => {
    const column = known.of(one.id);
    if (!column) return [];
    const at = one.isPinned ? left : null;
    if (one.isPinned) left += one.width ?? column.width;
    return [{ ...one, column, left: at }];
  });
}

interface RowProps<R extends ListRow> {
  row: R;
  index: number;
  top: number;
  columns: GridColumn<R>[];
  template: string;
  scale: Scale;
  activeColumn: number; // -1: another row is active
  isChecked: boolean;
  onActive: (active: { row: number; column: number }) => void;
  onCheck: (id: string, isChecked: boolean, isRange: boolean) => void;
}

const Row = memo(function Row<R extends ListRow>(props: RowProps<R>) {
  const { row, index, top, columns, template, scale, activeColumn, isChecked } = props;
  const isActive = activeColumn >= 0;
  return (
    <div
      role="row"
      id={`row-${row.id}`}
      aria-rowindex={index + 2}
      aria-selected={isChecked}
      className={`list-row row-${row.status}${isActive ? " selected" : ""}${isChecked ? " checked" : ""}`}
      style={{ transform: `translateY(${top}px)`, gridTemplateColumns: template }}
    >
      <span role="gridcell" className="cell cell-check">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={`Select ${row.name || row.id}`}
          checked={isChecked}
          onChange={(event) =>
            props.onCheck(row.id, event.target.checked, (event.nativeEvent as MouseEvent).shiftKey)
          }
        />
      </span>
      {columns.map(({ column, left }, n) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the grid takes the keys
        <span
          key={column.id}
          role="gridcell"
          className={cellClass(column, left !== null, n === activeColumn)}
          style={left !== null ? { left } : undefined}
          onClick={() => props.onActive({ row: index, column: n })}
        >
          {column.cell(row, scale)}
        </span>
      ))}
    </div>
  );
}) as <R extends ListRow>(props: RowProps<R>) => ReactNode;

const cellClass = (column: Pick<Column<never>, "id" | "isNumber">, isPinned: boolean, isActive: boolean) =>
  [
    "cell",
    `cell-${column.id.split(".")[0]}`,
    column.isNumber && "number",
    isPinned && "pinned",
    isActive && "active",
  ]
    .filter(Boolean)
    .join(" ");
