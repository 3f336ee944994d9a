import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { ApiError, api } from "../../api/client";
import type { QueryFault, ThreadRow } from "../../api/types";
import { cost, count, duration, fullTime, scoreText, when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { threadPath } from "../../model/paths";
import { boundsOf, isRelative } from "../../model/range";
import { text } from "../../model/url";
import type { PageProps } from "../../routes";
import { useKeys } from "../../ui/keys";
import { Failed, Loading, Notice, Offline } from "../../ui/States";
import { useUrlState } from "../../ui/useUrlState";
import { useRows } from "../../ui/VirtualList";
import { FilterBar } from "../traces/FilterBar";
import { RangePicker } from "../traces/RangePicker";
import "../traces/traces.css";
import "./threads.css";

const THREADS_STATE = { q: text(), t: text() };
const PAGE = 100;
const ROW_PX = 44;
const AHEAD = 20; // rows before the end at which the next page is asked for
const AGAIN_MS = 10_000;

/** The conversations of a project, those somebody spoke in last first. */
export default function ThreadsPage({ project }: PageProps) {
  const [{ q, t }, set] = useUrlState(THREADS_STATE);
  const [, navigate] = useLocation();
  const [active, setActive] = useState(0);
  const filterField = useRef<HTMLInputElement | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    document.title = `Threads · ${project} · trailmark`;
  }, [project]);
  const found = useInfiniteQuery({
    queryKey: ["threads", project, q, t],
    queryFn: ({ pageParam, signal }) =>
      api.threads(project, { q, ...boundsOf(t), limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    retry: false,
    refetchInterval: isRelative(t) ? AGAIN_MS : false,
  });
  const rows = useMemo(() => found.data?.pages.flatMap((page) => page.rows) ?? [], [found.data]);
  const virtual = useRows(scroller, rows.length, ROW_PX, (n) => rows[n]?.id ?? n);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = found;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= rows.length - AHEAD) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, rows.length]);
  const go = (to: number) => {
    const next = Math.min(Math.max(to, 0), rows.length - 1);
    setActive(next);
    virtual.scrollToIndex(next);
  };
  const current = rows[Math.min(active, rows.length - 1)];
  useKeys("Threads", [
    { keys: "j|ArrowDown", label: "Next thread", run: () => go(active + 1) },
    { keys: "k|ArrowUp", label: "Previous thread", run: () => go(active - 1) },
    { keys: "Home", label: "First thread", run: () => go(0) },
    {
      keys: "Enter",
      label: "Open the thread",
      run: () => current && navigate(threadPath(project, current.id)),
    },
    { keys: "/", label: "Filter", run: () => filterField.current?.focus() },
  ]);
  const { error } = found;
  const fault: QueryFault | null =
    error instanceof ApiError && error.problem.start !== undefined
      ? {
          message: error.message,
          start: error.problem.start,
          end: error.problem.end ?? error.problem.start,
          expected: error.problem.expected ?? [],
        }
      : null;
  return (
    <>
      {found.isError && !fault && rows.length > 0 && <Offline />}
      <div className="list-controls">
        <div className="list-line">
          <FilterBar
            project={project}
            value={q}
            onRun={(next) => set({ q: next }, "push")}
            fieldRef={filterField}
            fault={fault}
          />
          <RangePicker t={t} onRange={(next) => set({ t: next }, "push")} />
        </div>
      </div>
      {found.isPending && <Loading rows={12} />}
      {found.isError && !rows.length && !fault && (
        <Failed what="The threads cannot be shown" error={found.error} onRetry={() => found.refetch()} />
      )}
      {found.data && !rows.length && (
        <NoThreads isNarrow={q !== "" || t !== ""} onAll={() => set({ q: "", t: "" }, "push")} />
      )}
      {rows.length > 0 && (
        <div className="threads" ref={scroller} role="list" aria-label="Threads">
          <div className="virtual-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = rows[item.index];
              return (
                row && (
                  <Row
                    key={item.key}
                    project={project}
                    row={row}
                    top={item.start}
                    isActive={item.index === active}
                    place={item.index + 1}
                    of={found.hasNextPage ? -1 : rows.length}
                  />
                )
              );
            })}
          </div>
        </div>
      )}
    </>
  );
}

interface RowProps {
  project: string;
  row: ThreadRow;
  top: number;
  isActive: boolean;
  place: number;
  of: number;
}

function Row({ project, row, top, isActive, place, of }: RowProps) {
  const tokens = row.tin + row.tout;
  return (
    <div
      className={isActive ? "thread-row active" : "thread-row"}
      role="listitem"
      aria-posinset={place}
      aria-setsize={of}
      style={{ transform: `translateY(${top}px)`, height: ROW_PX }}
    >
      <time className="thread-when muted" title={fullTime(row.end_us)}>
        {when(row.end_us)}
      </time>
      <span className="thread-what">
        <Link href={threadPath(project, row.id)} className="row-link">
          {visibleText(row.in) || visibleText(row.id)}
        </Link>
        <bdi className="muted">{visibleText(row.out)}</bdi>
      </span>
      <span className="thread-scores">
        {Object.entries(row.scores).map(([name, score]) => (
          <span key={name} className="chip">
            {visibleText(name)} {visibleText(scoreText(score))}
          </span>
        ))}
      </span>
      <span className="thread-facts number">
        {row.errors > 0 && <span className="label-error">{row.errors} failed</span>}
        {row.running > 0 && <span className="label-running">running</span>}
        <span>{row.traces === 1 ? "1 turn" : `${row.traces} turns`}</span>
        <span>{duration(row.end_us - row.start_us)}</span>
        <span>{tokens ? `${count(tokens)} tokens` : ""}</span>
        <span>{cost(row.cost)}</span>
        <span className="thread-user muted">{visibleText(row.user ?? "")}</span>
      </span>
    </div>
  );
}

function NoThreads({ isNarrow, onAll }: { isNarrow: boolean; onAll: () => void }) {
  if (isNarrow)
    return (
      <Notice title="No thread matches">
        <p className="muted">A thread matches when one of its traces does.</p>
        <button type="button" onClick={onAll}>
          Show all threads
        </button>
      </Notice>
    );
  return (
    <Notice title="No threads yet">
      <p className="muted">Traces with the same thread id are one conversation. Give them one:</p>
      <pre className="code">{`@trailmark.track(thread_id="conversation-42")
def answer(question): ...

# or inside, when it is known only then
trailmark.update_current_trace(thread_id="conversation-42")`}</pre>
    </Notice>
  );
}
