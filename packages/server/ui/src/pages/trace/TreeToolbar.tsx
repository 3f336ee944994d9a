import { type RefObject, useEffect } from "react";
import { duration } from "../../model/format";
import { announce } from "../../ui/Announcer";
import { Popover } from "../../ui/Popover";
import type { Columns } from "./TreePane";
import type { SetTraceState, TraceState } from "./traceState";
import type { TraceModel } from "./useTraceModel";

interface Props {
  state: TraceState;
  set: SetTraceState;
  model: TraceModel;
  total: number;
  loaded: number;
  onMore: () => void;
  fieldRef: RefObject<HTMLInputElement | null>;
  onFilter: (text: string) => void;
  onSearchBodies: () => void;
  hasBodies: boolean;
  onError: () => void;
  onMatch: (step: 1 | -1) => void;
  columns: Columns;
  onColumns: (columns: Columns) => void;
}

/** Filter, errors, zoom, and how the tree is drawn. */
export function TreeToolbar(props: Props) {
  const { state, set, model, columns, onColumns } = props;
  const { matches, errors } = model;
  useEffect(() => {
    if (matches) announce(`${matches.length} spans match`);
  }, [matches]);
  return (
    <div className="tree-toolbar" role="toolbar" aria-label="Timeline">
      <input
        ref={props.fieldRef}
        type="search"
        aria-label="Filter spans"
        placeholder="Filter spans: name, type:llm, >2%   /"
        value={state.q}
        onChange={(event) => props.onFilter(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            if (state.q) props.onFilter("");
            else event.currentTarget.blur();
            event.preventDefault();
          } else if (event.key === "Enter") {
            event.preventDefault();
            props.onMatch(event.shiftKey ? -1 : 1);
          }
        }}
      />
      {matches !== null && (
        <>
          <span className="muted number">
            {matches.length} of {props.loaded.toLocaleString("en")}
          </span>
          {!props.hasBodies && matches.length > 0 && (
            <button type="button" className="quiet" onClick={props.onSearchBodies}>
              In bodies too
            </button>
          )}
        </>
      )}
      {errors.length > 0 && (
        <button type="button" onClick={props.onError} title="Next error (e)">
          {errors.length === 1 ? "1 error" : `${errors.length} errors`} <kbd>e</kbd>
        </button>
      )}
      {props.loaded < props.total && (
        <button type="button" onClick={props.onMore}>
          {props.loaded.toLocaleString("en")} of {props.total.toLocaleString("en")}: load more
        </button>
      )}
      {state.zoom && (
        <button type="button" onClick={() => set({ zoom: null })} title="Show all (Z)">
          {duration(state.zoom[1] - state.zoom[0])} shown <kbd>Z</kbd>
        </button>
      )}
      <Popover label="View" title="View" className="toolbar-end">
        {() => (
          <div className="view-options">
            <Check
              label="Waterfall (w)"
              isOn={state.view === "waterfall"}
              onTurn={(on) => set({ view: on ? "waterfall" : "tree" })}
            />
            <Check label="Critical path (p)" isOn={state.path} onTurn={(on) => set({ path: on })} />
            <Check label="Squeeze idle gaps (i)" isOn={state.squeeze} onTurn={(on) => set({ squeeze: on })} />
            <hr />
            <Check label="Model" isOn={columns.model} onTurn={(on) => onColumns({ ...columns, model: on })} />
            <Check
              label="Tokens"
              isOn={columns.tokens}
              onTurn={(on) => onColumns({ ...columns, tokens: on })}
            />
            <Check label="Cost" isOn={columns.cost} onTurn={(on) => onColumns({ ...columns, cost: on })} />
            <hr />
            <button type="button" className="quiet" onClick={() => model.folds.toLevel(2)}>
              Fold to steps
            </button>
            <button
              type="button"
              className="quiet"
              onClick={() => model.folds.toLevel(Number.POSITIVE_INFINITY)}
            >
              Open all
            </button>
          </div>
        )}
      </Popover>
    </div>
  );
}

function Check({ label, isOn, onTurn }: { label: string; isOn: boolean; onTurn: (isOn: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={isOn} onChange={(event) => onTurn(event.target.checked)} />
      {label}
    </label>
  );
}
