import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { moved, type ShownColumn } from "../../model/columns";
import type { Column } from "./column";

const NARROWEST = 48;
const STEP_PX = 16;

/** What a head needs of a column, whatever its rows are. */
interface HeadColumn extends ShownColumn {
  column: Pick<Column<never>, "label" | "width" | "isNumber" | "sort">;
  left: number | null;
}

interface Props {
  columns: HeadColumn[];
  template: string;
  sort: string;
  allChecked: boolean;
  onCheckAll: (isChecked: boolean) => void;
  onSort: (sort: string) => void;
  onColumns: (columns: ShownColumn[]) => void;
}

/** Heads: sort by a click, resize at the edge, drag to reorder; Alt and arrows move, Shift and arrows resize. */
export function GridHead({ columns, template, sort, allChecked, onCheckAll, onSort, onColumns }: Props) {
  const shown = columns.map(({ id, width, isPinned }): ShownColumn => ({ id, width, isPinned }));
  const resize = (id: string, width: number | null) =>
    onColumns(
      shown.map((one) =>
        one.id === id ? { ...one, width: width && Math.max(Math.round(width), NARROWEST) } : one,
      ),
    );
  const dropOn = (id: string, target: string) => {
    const by = shown.findIndex((one) => one.id === target) - shown.findIndex((one) => one.id === id);
    if (by) onColumns(moved(shown, id, by));
  };
  return (
    <div role="row" aria-rowindex={1} className="list-head" style={{ gridTemplateColumns: template }}>
      <span role="columnheader" className="cell cell-check">
        <input
          type="checkbox"
          aria-label="Select all loaded"
          checked={allChecked}
          onChange={(event) => onCheckAll(event.target.checked)}
        />
      </span>
      {columns.map((one) => (
        <Head
          key={one.id}
          one={one}
          sort={sort}
          onSort={onSort}
          onResize={(width) => resize(one.id, width)}
          onMove={(by) => onColumns(moved(shown, one.id, by))}
          onDrop={(id) => dropOn(id, one.id)}
        />
      ))}
    </div>
  );
}

interface HeadProps {
  one: HeadColumn;
  sort: string;
  onSort: (sort: string) => void;
  onResize: (width: number | null) => void;
  onMove: (by: number) => void;
  onDrop: (id: string) => void;
}

function Head({ one, sort, onSort, onResize, onMove, onDrop }: HeadProps) {
  const { column, left } = one;
  const cell = useRef<HTMLSpanElement>(null);
  const start = useRef({ x: 0, width: 0 });
  const sorted =
    column.sort && sort.replace(/^-/, "") === column.sort
      ? sort.startsWith("-")
        ? "descending"
        : "ascending"
      : undefined;
  const press = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !(event.altKey || event.shiftKey)) return;
    event.preventDefault();
    if (event.altKey) onMove(step);
    else onResize((cell.current?.offsetWidth ?? column.width) + step * STEP_PX);
  };
  const drag = (event: PointerEvent<HTMLSpanElement>) => {
    if (event.currentTarget.hasPointerCapture(event.pointerId))
      onResize(start.current.width + event.clientX - start.current.x);
  };
  return (
    <span
      ref={cell}
      role="columnheader"
      aria-sort={sorted}
      className={`cell head${column.isNumber ? " number" : ""}${left !== null ? " pinned" : ""}`}
      style={left !== null ? { left } : undefined}
      draggable
      onDragStart={(event) => event.dataTransfer.setData("text/x-column", one.id)}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => onDrop(event.dataTransfer.getData("text/x-column"))}
    >
      <button
        type="button"
        className="head-button"
        title={
          column.sort
            ? "Sort. Alt+arrows move it, Shift+arrows resize it"
            : "Not sortable: no index holds its order"
        }
        aria-disabled={!column.sort}
        onKeyDown={press}
        onClick={() => column.sort && onSort(sorted === "descending" ? column.sort : `-${column.sort}`)}
      >
        {column.label}
        {sorted && <span aria-hidden="true">{sorted === "descending" ? " ↓" : " ↑"}</span>}
      </button>
      <span
        className="head-edge"
        aria-hidden="true"
        onPointerDown={(event) => {
          event.preventDefault();
          event.currentTarget.setPointerCapture(event.pointerId);
          start.current = { x: event.clientX, width: cell.current?.offsetWidth ?? column.width };
        }}
        onPointerMove={drag}
        onDoubleClick={() => onResize(null)}
      />
    </span>
  );
}
