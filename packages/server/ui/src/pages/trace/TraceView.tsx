import { useCallback, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { api } from "../../api/client";
import type { TraceDetail } from "../../api/types";
import { count } from "../../model/format";
import { tracesPath } from "../../model/paths";
import { rowOfSpan } from "../../model/skeleton";
import type { Range } from "../../model/time";
import { nextOf } from "../../model/tree";
import { announce } from "../../ui/Announcer";
import { copyAndSay } from "../../ui/copy";
import { useKeys } from "../../ui/keys";
import { remember, remembered } from "../../ui/remember";
import { Split } from "../../ui/Split";
import { focusScores } from "../scores/ScorePane";
import { Minimap } from "./Minimap";
import { SpanPane } from "./SpanPane";
import { TraceHead } from "./TraceHead";
import { TracePane } from "./TracePane";
import { type Columns, TreePane } from "./TreePane";
import { TreeToolbar } from "./TreeToolbar";
import type { SetTraceState, TraceState } from "./traceState";
import { useNeighbours } from "./useNeighbours";
import { useTraceModel } from "./useTraceModel";
import "./trace.css";

interface Props {
  found: TraceDetail;
  project: string;
  state: TraceState;
  set: SetTraceState;
  onMore: () => void;
  isPeek?: boolean; // in the drawer of the list, which walks traces itself
}

const COLUMNS_KEY = "tree-columns";
const ALL_COLUMNS: Columns = { model: true, tokens: true, cost: false };

/** The trace page without what is around it, so that the list can show it in a drawer. */
export function TraceView({ found, project, state, set, onMore, isPeek = false }: Props) {
  const { cols, trace } = found;
  const [inBodies, setInBodies] = useState<ReadonlySet<number> | null>(null);
  const [columns, setColumns] = useState<Columns>(() => savedColumns());
  const filterField = useRef<HTMLInputElement>(null);
  const scrollTo = useRef<((place: number) => void) | null>(null);
  const model = useTraceModel(
    found,
    { filter: state.q, inBodies, zoom: state.zoom, isPath: state.path, isSqueezed: state.squeeze },
    0,
  );
  const { tree, matches, folds, times } = model;
  const row = useMemo(() => rowOfSpan(cols.id, state.span), [cols.id, state.span]);
  const selected = row >= 0 ? (tree.place[row] as number) : 0;
  const select = useRef((_: number) => {});
  select.current = (place) => set({ span: cols.id[tree.row[place] as number] ?? "" });
  const onSelect = useRef((place: number) => select.current(place)).current;
  const jump = (place: number | undefined) => {
    if (place === undefined) return;
    folds.reveal(place);
    onSelect(place);
  };
  const jumpError = (step: 1 | -1) => jump(nextOf(model.errors, selected, step));
  const filter = (text: string) => {
    setInBodies(null);
    set({ q: text });
  };
  const searchBodies = async () => {
    const hits = await api.searchTrace(trace.id, state.q);
    setInBodies(new Set(hits.rows));
    announce(`${hits.rows.length} spans have it in their input or output`);
  };
  const zoomInto = (place: number) =>
    set({
      zoom: [
        Math.floor(times.start[place] as number),
        Math.ceil(Math.max(times.end[place] as number, (times.start[place] as number) + 1)),
      ],
    });
  const onZoom = useCallback((zoom: Range | null) => set({ zoom }), [set]);
  const neighbours = useNeighbours(project, trace, isPeek);
  const [, navigate] = useLocation();
  useKeys("Trace", [
    { keys: "ArrowUp|ArrowDown|PageUp|PageDown|Home|End", label: "Walk the tree" },
    { keys: "ArrowRight|ArrowLeft", label: "Open, close, go to the parent" },
    { keys: "e", label: "Next error", run: () => jumpError(1) },
    { keys: "E", label: "Previous error", run: () => jumpError(-1) },
    { keys: "/", label: "Filter spans", run: () => filterField.current?.focus() },
    { keys: "n", label: "Next match", run: () => jump(nextOf(matches ?? [], selected, 1)) },
    { keys: "N", label: "Previous match", run: () => jump(nextOf(matches ?? [], selected, -1)) },
    {
      keys: "c",
      label: "Fold to steps, open all",
      run: () => folds.toLevel(folds.level === 2 ? Number.POSITIVE_INFINITY : 2),
    },
    { keys: "z", label: "Zoom to this span", run: () => zoomInto(selected) },
    { keys: "Z", label: "Show all", run: () => set({ zoom: null }) },
    {
      keys: "w",
      label: "Waterfall on, off",
      run: () => set({ view: state.view === "tree" ? "waterfall" : "tree" }),
    },
    {
      keys: "s",
      label: "Score",
      run: () => {
        set({ tab: "scores" });
        focusScores();
      },
    },
    { keys: "p", label: "Critical path", run: () => set({ path: !state.path }) },
    { keys: "i", label: "Squeeze idle gaps", run: () => set({ squeeze: !state.squeeze }) },
    { keys: "y", label: "Copy link", run: () => copyAndSay(window.location.href, "Link") },
    ...(isPeek
      ? []
      : [
          { keys: "j", label: "Next span", run: () => onSelect(step(model.seen, selected, 1)) },
          { keys: "k", label: "Previous span", run: () => onSelect(step(model.seen, selected, -1)) },
          { keys: "[", label: "Newer trace", run: () => neighbours.go("newer") },
          { keys: "]", label: "Older trace", run: () => neighbours.go("older") },
          {
            keys: "Escape",
            label: "Clear the filter, or go to the list",
            run: () => (state.q ? filter("") : navigate(tracesPath(project))),
          },
        ]),
  ]);
  const changeColumns = (next: Columns) => {
    setColumns(next);
    remember(COLUMNS_KEY, JSON.stringify(next));
  };
  const spanId = cols.id[row];
  const left = (
    <section className="trace-left" aria-label="Timeline">
      {state.view === "waterfall" && <Minimap cols={cols} model={model} zoom={state.zoom} onZoom={onZoom} />}
      <TreeToolbar
        state={state}
        set={set}
        model={model}
        total={found.total}
        loaded={cols.id.length}
        onMore={onMore}
        fieldRef={filterField}
        onFilter={filter}
        onSearchBodies={searchBodies}
        hasBodies={inBodies !== null}
        onError={() => jumpError(1)}
        onMatch={(direction) => jump(nextOf(matches ?? [], selected, direction))}
        columns={columns}
        onColumns={changeColumns}
      />
      {matches !== null && matches.length === 0 ? (
        <p className="pane-note">
          No span matches <code>{state.q}</code> by name, model or type.{" "}
          <button type="button" onClick={searchBodies}>
            Search inputs and outputs
          </button>
        </p>
      ) : (
        <TreePane
          trace={trace}
          cols={cols}
          model={model}
          selected={selected}
          columns={columns}
          hasWaterfall={state.view === "waterfall"}
          onSelect={onSelect}
          scrollRef={scrollTo}
        />
      )}
    </section>
  );
  const right = (
    <section className="pane" aria-label="Details">
      {spanId === undefined ? (
        <TracePane found={found} project={project} tab={state.tab} onTab={(tab) => set({ tab })} />
      ) : (
        <SpanPane
          trace={trace}
          spanId={spanId}
          version={`${cols.status[row]} ${cols.scores[row]} ${isMoving(found, row) ? found.seq : ""}`}
          offset={times.start[selected] as number}
          tab={state.tab}
          onTab={(tab) => set({ tab })}
        />
      )}
    </section>
  );
  return (
    <div className="trace">
      <TraceHead
        trace={trace}
        project={project}
        neighbours={neighbours}
        isPeek={isPeek}
        count={count(found.total)}
      />
      <Split name={isPeek ? "peek" : "trace"} left={left} right={right} initial={isPeek ? 0.5 : 0.58} />
    </div>
  );
}

const isMoving = ({ cols }: TraceDetail, row: number) => cols.status[row] === "running";

function step(seen: Int32Array, place: number, by: 1 | -1): number {
  const at = seen.indexOf(place);
  if (at < 0) return seen[0] ?? 0;
  return seen[Math.min(Math.max(at + by, 0), seen.length - 1)] as number;
}

function savedColumns(): Columns {
  try {
    return { ...ALL_COLUMNS, ...(JSON.parse(remembered(COLUMNS_KEY) ?? "{}") as Partial<Columns>) };
  } catch {
    return ALL_COLUMNS;
  }
}
