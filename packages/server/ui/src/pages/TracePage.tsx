import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { ApiError, api } from "../api/client";
import type { Trace, TraceDetail } from "../api/types";
import { cost, count, duration, fullTime, when } from "../model/format";
import { tracesPath } from "../model/paths";
import { Notice, Offline } from "../ui/Notice";
import { Status } from "../ui/Status";
import { TopBar } from "../ui/TopBar";
import { SpanPane, TracePane } from "./Panes";
import { SpanTree } from "./SpanTree";

const LIVE_MS = 1000;

/** A trace: what happened in which order at the left, one span whole at the right. */
export function TracePage({ project, id }: { project: string; id: string }) {
  const found = useQuery({
    queryKey: ["trace", id],
    queryFn: ({ signal }) => api.trace(id, signal),
    refetchInterval: (query) => (isLive(query.state.data) ? LIVE_MS : false),
  });
  const trace = found.data?.trace;
  useEffect(() => {
    document.title = trace
      ? `${trace.status === "error" ? "Error · " : ""}${trace.name} · ${project}`
      : "trailmark";
  }, [trace, project]);
  const isMissing = found.error instanceof ApiError && found.error.status === 404;
  return (
    <>
      <TopBar project={project}>
        <Link href={tracesPath(project)} className="back">
          ← All traces
        </Link>
      </TopBar>
      {found.isError && found.data && <Offline />}
      {found.isError && !found.data && (
        <Notice title={isMissing ? "There is no such trace" : "The trace cannot be shown"}>
          <p className="muted">{isMissing ? `No trace has the id ${id}.` : found.error.message}</p>
        </Notice>
      )}
      {found.data && <Detail found={found.data} />}
    </>
  );
}

function isLive(data: TraceDetail | undefined): boolean {
  return data !== undefined && (data.trace.status === "running" || data.cols.status.includes("running"));
}

function Detail({ found }: { found: TraceDetail }) {
  const [search, setSearch] = useSearchParams();
  const { trace, cols } = found;
  const selected = useMemo(() => cols.id.indexOf(search.get("span") ?? ""), [cols, search]);
  const tab = search.get("tab") ?? "io";
  const go = (span: number, nextTab: string) => {
    const id = cols.id[span];
    setSearch({ ...(id && { span: id }), ...(nextTab !== "io" && { tab: nextTab }) }, { replace: true });
  };
  const spanId = cols.id[selected];
  return (
    <main className="trace">
      <TraceHead trace={trace} />
      <SpanTree trace={trace} cols={cols} selected={selected} onSelect={(index) => go(index, tab)} />
      <section className="pane" aria-label="Details">
        {spanId === undefined ? (
          <TracePane trace={trace} tab={tab} onTab={(next) => go(-1, next)} />
        ) : (
          <SpanPane
            key={spanId}
            traceId={trace.id}
            spanId={spanId}
            version={`${cols.status[selected]} ${cols.scores[selected]} ${found.seq}`}
            tab={tab}
            onTab={(next) => go(selected, next)}
          />
        )}
      </section>
    </main>
  );
}

function TraceHead({ trace }: { trace: Trace }) {
  const facts: [string, string | null][] = [
    ["Started", when(trace.start_us)],
    ["Duration", duration(trace.dur_us)],
    ["Spans", trace.errors ? `${trace.spans}, ${trace.errors} with errors` : String(trace.spans)],
    ["Tokens", trace.tin + trace.tout ? `${count(trace.tin)} → ${count(trace.tout)}` : null],
    ["Cost", cost(trace.cost) || null],
    ["Thread", trace.thread],
    ["User", trace.user],
    ["Environment", trace.environment],
  ];
  return (
    <div className="trace-head">
      <h1>
        <Status status={trace.status} word />
        {trace.name || "(no name)"}
      </h1>
      <dl className="facts">
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name} title={name === "Started" ? fullTime(trace.start_us) : undefined}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      <div className="labels">
        {trace.tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </div>
    </div>
  );
}
