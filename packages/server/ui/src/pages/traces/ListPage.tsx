import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ApiError } from "../../api/client";
import type { QueryFault } from "../../api/types";
import { type Source, useList } from "../../api/useList";
import { inOrder, readColumns, type ShownColumn, writeColumns } from "../../model/columns";
import { isRelative } from "../../model/range";
import { withCondition } from "../../model/suggest";
import { announce } from "../../ui/Announcer";
import { rowPx } from "../../ui/looks";
import { leave, type Place, placeIn } from "../../ui/place";
import { remember, rememberedList } from "../../ui/remember";
import { Failed, Loading, Offline } from "../../ui/States";
import { useUrlState } from "../../ui/useUrlState";
import { Quickstart } from "../home/Quickstart";
import { BulkBar } from "./BulkBar";
import type { Columns, ListRow } from "./column";
import { Grid } from "./Grid";
import { ListControls } from "./ListControls";
import { NothingFound } from "./listParts";
import { LIST_STATE } from "./listState";
import { loadTraceEarly, Peek } from "./Peek";
import { between, useCursor } from "./useCursor";
import { useListKeys } from "./useListKeys";
import "./traces.css";

interface Props<R extends ListRow> {
  project: string;
  source: Source<R>;
  known: Columns<R>;
  one: string; // as a person calls a row
  placeOf: (row: R) => { path: string; peek: string }; // its page, and how the address names it in the drawer
  peekOf: (peek: string) => { id: string; trace: string; span: string };
}

/** The traces or spans of a project: filter, time, columns; live; a drawer to look into one; actions on many. */
export function ListPage<R extends ListRow>({ project, source, known, one, placeOf, peekOf }: Props<R>) {
  const { of } = source;
  const memory = of === "traces" ? `columns-${project}` : `columns-${of}-${project}`;
  const [state, set] = useUrlState(LIST_STATE);
  const [, navigate] = useLocation();
  const { q, t, sort, live, peek } = state;
  const columns = useMemo(() => columnsOf(known, state.cols, memory), [known, state.cols, memory]);
  const fields = useMemo(() => fieldsOf(known, columns), [known, columns]);
  const list = useList(
    source,
    project,
    { q, t, sort, fields },
    live && isRelative(t) && (of === "traces" || sort === "-start"),
  );
  const { rows, fresh, show } = list;
  const where = `${of} ${project} ${q} ${t} ${sort}`;
  const before = useRef(placeIn(where));
  const cursor = useCursor(rows, {
    id: (peek && peekOf(peek).id) || before.current?.id,
    column: before.current?.column,
  });
  const { active, current, go } = cursor;
  const [checked, setChecked] = useState<ReadonlySet<string>>(new Set());
  const lastChecked = useRef<string | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const filterField = useRef<HTMLInputElement | null>(null);
  const isAtTop = useRef(true);
  useEffect(() => {
    document.title = `${of === "traces" ? "" : "Spans · "}${project} · trailmark`;
  }, [of, project]);
  const isShown = rows.length > 0;
  useEffect(() => {
    if (!isShown) return;
    const timer = setTimeout(loadTraceEarly, 300);
    return () => clearTimeout(timer);
  }, [isShown]);
  // New rows come in by themselves only where they push nothing away that somebody looks at.
  useEffect(() => {
    if (!fresh.length) return;
    const isReading = window.getSelection()?.type === "Range" || peek !== "" || checked.size > 0;
    if (isAtTop.current && !isReading && sort === "-start") show();
    else announce(`${fresh.length} new ${of}`);
  }, [fresh, show, peek, checked, sort, of]);
  const showFresh = () => {
    show();
    scroller.current?.scrollTo({ top: 0 });
    isAtTop.current = true;
  };
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const now = useRef<Place>({ id: "", column: 1, scroll: 0 });
  now.current = { id: current?.id ?? "", column: active.column, scroll: now.current.scroll };
  useEffect(() => () => void leave(where, now.current), [where]);
  useEffect(() => {
    const { current: place } = before;
    if (!place || !rows.length || isFetchingNextPage) return;
    if (rows.length * rowPx() < place.scroll && hasNextPage) return void fetchNextPage();
    scroller.current?.scrollTo({ top: place.scroll });
    before.current = undefined;
  }, [rows.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const onTop = useCallback((is: boolean) => {
    isAtTop.current = is;
  }, []);
  const change = (next: ShownColumn[] | null) => {
    const cols = next ? writeColumns(next) : [];
    remember(memory, next ? JSON.stringify(cols) : null);
    set({ cols });
  };
  const check = useCallback(
    (id: string, isChecked: boolean, isRange: boolean) => {
      const next = new Set(checked);
      for (const one of isRange ? between(rows, lastChecked.current, id) : [id]) {
        if (isChecked) next.add(one);
        else next.delete(one);
      }
      lastChecked.current = id;
      setChecked(next);
    },
    [checked, rows],
  );
  const openPeek = (row: R) => set({ peek: placeOf(row).peek });
  const step = (by: number) => {
    const row = go(active.row + by);
    if (peek && row) openPeek(row);
  };
  const open = () => current && navigate(placeOf(current).path);
  const filterByCell = () => {
    const condition = current && known.of(columns[active.column]?.id ?? "")?.filter?.(current);
    if (condition) set({ q: withCondition(q, condition) }, "push");
    else announce("Nothing to filter by in this cell");
  };
  useListKeys({
    project,
    of,
    one,
    current,
    checked,
    step,
    open,
    placeOf,
    filterByCell,
    showFresh,
    check,
    togglePeek: () => current && (peek ? set({ peek: "" }) : openPeek(current)),
    toFilter: () => filterField.current?.focus(),
    turnLive: () => set({ live: !live }),
    leave: () => {
      if (peek) {
        set({ peek: "" });
        scroller.current?.querySelector<HTMLElement>("[role=grid]")?.focus();
      } else setChecked(new Set());
    },
  });
  const { error } = list;
  const fault =
    error instanceof ApiError && error.problem.start !== undefined
      ? (error.problem as QueryFault & { detail: string })
      : null;
  if (list.data && !rows.length && !q && !t) return <Quickstart project={project} />;
  return (
    <>
      {list.isOffline && <Offline />}
      <ListControls
        project={project}
        of={of}
        one={one}
        known={known}
        columns={columns}
        state={state}
        set={set}
        fault={fault}
        loaded={list.data ? rows.length : null}
        hasMore={hasNextPage}
        filterField={filterField}
        onColumns={change}
      />
      {checked.size > 0 && (
        <BulkBar
          project={project}
          of={of}
          checked={checked}
          q={q}
          t={t}
          onClear={() => setChecked(new Set())}
          onDone={() => {
            setChecked(new Set());
            void list.refetch();
          }}
        />
      )}
      <div
        className={list.isPlaceholderData ? "list stale-list" : "list"}
        onScrollCapture={(event) => {
          if (event.target === scroller.current) now.current.scroll = scroller.current.scrollTop;
        }}
      >
        {fresh.length > 0 && (
          <button type="button" className="pill" onClick={showFresh}>
            {fresh.length} new <kbd>.</kbd>
          </button>
        )}
        {list.isPending && <Loading rows={20} />}
        {list.isError && !rows.length && !fault && (
          <Failed what={`The ${of} cannot be shown`} error={list.error} onRetry={() => list.refetch()} />
        )}
        {!rows.length && (list.data || fault) && (
          <NothingFound
            title={fault ? "The filter cannot be read" : "Nothing matches"}
            of={of}
            onAll={() => set({ q: "", t: "" }, "push")}
          />
        )}
        {rows.length > 0 && (
          <Grid
            label={of === "traces" ? "Traces" : "Spans"}
            rows={rows}
            known={known}
            columns={columns}
            sort={sort}
            active={active}
            checked={checked}
            hasMore={hasNextPage}
            scroller={scroller}
            onActive={cursor.set}
            onCheck={check}
            onCheckAll={(isAll) => setChecked(new Set(isAll ? rows.map((row) => row.id) : []))}
            onSort={(next) => set({ sort: next }, "push")}
            onColumns={change}
            onEnd={more}
            onTop={onTop}
          />
        )}
        {peek && <Drawer project={project} at={peekOf(peek)} onClose={() => set({ peek: "" })} />}
      </div>
    </>
  );
}

function columnsOf<R>(known: Columns<R>, cols: readonly string[], memory: string): ShownColumn[] {
  const own = cols.length ? cols : rememberedList(memory);
  const shown = readColumns(own).filter((one) => known.of(one.id));
  return inOrder(shown.length ? shown : readColumns(known.usual));
}

const fieldsOf = <R,>(known: Columns<R>, columns: ShownColumn[]) =>
  columns
    .flatMap((one) => known.of(one.id)?.field ?? [])
    .sort()
    .join(",");

interface DrawerProps {
  project: string;
  at: { trace: string; span: string };
  onClose: () => void;
}

/** Another span of the same trace is another drawer: it opens at that span. */
const Drawer = ({ project, at, onClose }: DrawerProps) => (
  <Peek key={at.span} project={project} id={at.trace} span={at.span} onClose={onClose} />
);
