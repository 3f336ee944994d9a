import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import type { TraceRow } from "../../api/types";
import { useTraces } from "../../api/useTraces";
import { ago, cost, count, duration, fullTime, scoreText, when } from "../../model/format";
import { tracePath } from "../../model/paths";
import type { PageProps } from "../../routes";
import { Failed, Loading, Notice, Offline } from "../../ui/States";
import { Status } from "../../ui/Status";
import { Quickstart } from "../home/Quickstart";
import "./traces.css";

const ROW_PX = 34;

/** The traces of a project, newest first, live. */
export default function TracesPage({ project }: PageProps) {
  const [search, setSearch] = useSearchParams();
  const q = search.get("q") ?? "";
  const list = useTraces(project, q);
  useEffect(() => {
    document.title = `${project} · trailmark`;
  }, [project]);
  const setQuery = (text: string) => setSearch(text ? { q: text } : {}, { replace: true });
  return (
    <>
      <SearchField value={q} onChange={setQuery} />
      {list.isOffline && <Offline />}
      {list.isError && !list.data && (
        <Failed what="The traces cannot be shown" error={list.error} onRetry={() => list.refetch()} />
      )}
      {list.isPending && <Loading />}
      {list.data && !list.rows.length && !q && <Quickstart project={project} />}
      {list.data && !list.rows.length && q && (
        <Notice title="Nothing matches">
          <p className="muted">
            Words are looked for in name, input and output. <code>status:error</code>, <code>tag:chat</code>{" "}
            and <code>name:answer</code> say where.
          </p>
          <button type="button" onClick={() => setQuery("")}>
            Show all traces
          </button>
        </Notice>
      )}
      {list.rows.length > 0 && (
        <List
          rows={list.rows}
          onEnd={() => list.hasNextPage && !list.isFetchingNextPage && list.fetchNextPage()}
          hasMore={list.hasNextPage}
        />
      )}
    </>
  );
}

/** Typing narrows the list after a pause of 200 ms; the address holds the query. */
function SearchField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), 200);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
      if (event.key === "/" && !isTyping) {
        event.preventDefault();
        field.current?.focus();
      }
    };
    window.addEventListener("keydown", focus);
    return () => window.removeEventListener("keydown", focus);
  }, []);
  return (
    <input
      ref={field}
      type="search"
      className="search"
      aria-label="Search traces"
      placeholder="Search: words, status:error, tag:…, name:…   ( / )"
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}

function List({ rows, hasMore, onEnd }: { rows: TraceRow[]; hasMore: boolean; onEnd: () => void }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [, navigate] = useLocation();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - 30) onEnd();
  }, [last, rows.length, onEnd]);
  return (
    <div className="list" ref={scroller}>
      <div role="table" aria-label="Traces" aria-rowcount={hasMore ? -1 : rows.length}>
        <div role="row" className="row row-head">
          {["Time", "Trace", "Input and output", "Scores", "Spans", "Tokens", "Cost", "Duration"].map(
            (name) => (
              <span key={name} role="columnheader">
                {name}
              </span>
            ),
          )}
        </div>
        <div className="list-body" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => (
            <Row
              key={item.key}
              row={rows[item.index] as TraceRow}
              top={item.start}
              index={item.index + 1}
              onOpen={navigate}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function Row({
  row,
  top,
  index,
  onOpen,
}: {
  row: TraceRow;
  top: number;
  index: number;
  onOpen: (path: string) => void;
}) {
  const path = tracePath(row.project, row.id);
  const open = (event: React.MouseEvent) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    const isSelecting = window.getSelection()?.type === "Range";
    if (isPlain && !isSelecting && !(event.target as HTMLElement).closest("a")) onOpen(path);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the link inside is what keys use; the row is a larger target
    <div role="row" aria-rowindex={index} className={`row row-${row.status}`} style={{ top }} onClick={open}>
      <span role="cell" className="time" title={`${fullTime(row.start_us)} · ${ago(row.start_us)}`}>
        {when(row.start_us)}
      </span>
      <span role="cell" className="name">
        <Status status={row.status} />
        <Link href={path}>{row.name || "(no name)"}</Link>
        {row.tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </span>
      <span role="cell" className="io">
        {row.in && <span dir="auto">{row.in}</span>}
        {row.out && (
          <span dir="auto" className="out">
            {row.out}
          </span>
        )}
      </span>
      <span role="cell" className="scores">
        {Object.entries(row.scores).map(([name, score]) => (
          <span key={name} className="score" title={score.reason ?? undefined}>
            <span className="score-name">{name}</span> <span className="score-value">{scoreText(score)}</span>
          </span>
        ))}
      </span>
      <span role="cell" className="number">
        {row.spans}
        {row.errors > 0 && <span className="errors"> · {row.errors} ✕</span>}
      </span>
      <span role="cell" className="number" title={`${row.tin} in, ${row.tout} out`}>
        {row.tin + row.tout ? count(row.tin + row.tout) : ""}
      </span>
      <span role="cell" className="number">
        {cost(row.cost)}
      </span>
      <span role="cell" className="number">
        {duration(row.dur_us)}
      </span>
    </div>
  );
}
