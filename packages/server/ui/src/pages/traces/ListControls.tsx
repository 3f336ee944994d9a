import type { RefObject } from "react";
import { useSearch } from "wouter";
import type { Rows } from "../../api/client";
import type { QueryFault } from "../../api/types";
import type { ShownColumn } from "../../model/columns";
import { isRelative } from "../../model/range";
import { Popover } from "../../ui/Popover";
import { ColumnChooser } from "./ColumnChooser";
import type { Columns, ListRow } from "./column";
import { FilterBar } from "./FilterBar";
import { Known, LiveButton } from "./listParts";
import type { ListState, SetListState } from "./listState";
import { RangePicker } from "./RangePicker";
import { Strip } from "./Strip";
import { Views } from "./Views";

interface Props<R extends ListRow> {
  project: string;
  of: Rows;
  one: string; // as a person calls a row
  known: Columns<R>;
  columns: ShownColumn[];
  state: ListState;
  set: SetListState;
  fault: (QueryFault & { detail: string }) | null;
  loaded: number | null; // rows; null before any answer
  hasMore: boolean;
  filterField: RefObject<HTMLInputElement | null>;
  onColumns: (next: ShownColumn[] | null) => void;
}

/** Above a list: what is asked for, when, and what is shown of it. */
export function ListControls<R extends ListRow>(props: Props<R>) {
  const { project, of, one, known, columns, state, set, fault, loaded, hasMore } = props;
  const { q, t, live } = state;
  const address = useSearch();
  const toRange = (next: string) => set({ t: next }, "push");
  return (
    <div className="list-controls">
      <div className="list-line">
        <FilterBar
          project={project}
          label={`Filter ${of}`}
          value={q}
          onRun={(next) => set({ q: next, peek: "" }, "push")}
          fieldRef={props.filterField}
          fault={fault && { ...fault, message: fault.detail, expected: fault.expected ?? [] }}
        />
        <RangePicker t={t} onRange={toRange} />
        <Popover label="Columns ▾" title="Columns">
          {() => (
            <ColumnChooser project={project} known={known} columns={columns} onColumns={props.onColumns} />
          )}
        </Popover>
        <LiveButton live={live} isOff={!isRelative(t)} onTurn={() => set({ live: !live })} />
      </div>
      <div className="list-line list-line-2">
        <Views project={project} page={of} search={address} />
        {t && (
          <button type="button" className="quiet" onClick={() => set({ t: "" }, "push")}>
            All time
          </button>
        )}
        {loaded !== null && (
          <Known project={project} of={of} one={one} q={q} t={t} loaded={loaded} hasMore={hasMore} />
        )}
      </div>
      <Strip project={project} of={of} q={q} t={t} live={live} onRange={toRange} />
    </div>
  );
}
