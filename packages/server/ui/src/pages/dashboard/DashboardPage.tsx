import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ApiError, api } from "../../api/client";
import type { Metrics, QueryFault } from "../../api/types";
import { tracesPath } from "../../model/paths";
import { boundsOf, isRelative } from "../../model/range";
import { choice, text } from "../../model/url";
import type { PageProps } from "../../routes";
import { useKeys } from "../../ui/keys";
import { Failed, Loading, Notice, Offline } from "../../ui/States";
import { CHART_KEYS } from "../../ui/useBrush";
import { useUrlState } from "../../ui/useUrlState";
import { Quickstart } from "../home/Quickstart";
import { FilterBar } from "../traces/FilterBar";
import { RangePicker } from "../traces/RangePicker";
import { Cards } from "./Cards";
import { Figures } from "./Figures";
import { Tops } from "./Tops";
import "../traces/traces.css";
import "./dashboard.css";

const GROUPS = ["", "name", "model", "tag", "user", "type", "provider", "status"] as const;
export const DASHBOARD_STATE = { q: text(), t: text("24h"), by: choice(GROUPS, "") };
const AGAIN_MS = 30_000;
const BUCKETS = 60;
const ALL = "count,errors,latency,ttft,tokens,cost,scores";

/** How a project does over time: traces, errors, latency, tokens, cost, scores; what stands out. */
export default function DashboardPage({ project }: PageProps) {
  const [state, set] = useUrlState(DASHBOARD_STATE);
  const { q, t, by } = state;
  const [, navigate] = useLocation();
  const [hover, setHover] = useState<number | null>(null);
  const filterField = useRef<HTMLInputElement | null>(null);
  useEffect(() => {
    document.title = `Dashboard · ${project} · trailmark`;
  }, [project]);
  useKeys("Dashboard", [
    { keys: "/", label: "Filter", run: () => filterField.current?.focus() },
    ...CHART_KEYS,
  ]);
  const found = useMetrics(project, { m: ALL, by, q }, t);
  const whole = useMetrics(project, { m: ALL, by: "", q }, t); // the same as `found` when nothing groups
  const costs = useMetrics(project, { m: "cost", by: by || "model", q }, t);
  const range = (from: number, to: number) => `${Math.round(from)}..${Math.round(to)}`;
  const zoom = (from: number, to: number) => set({ t: range(from, to) }, "push");
  const fault = faultOf(found.error);
  const isOffline = found.error instanceof ApiError && found.error.status === 0;
  return (
    <>
      {isOffline && found.data && <Offline />}
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
          <label className="dashboard-by">
            <span className="muted">by</span>
            <select
              value={by}
              onChange={(event) => set({ by: event.target.value as (typeof GROUPS)[number] }, "push")}
            >
              {GROUPS.map((name) => (
                <option key={name} value={name}>
                  {name || "nothing"}
                </option>
              ))}
            </select>
          </label>
        </div>
      </div>
      <div className={found.isPlaceholderData ? "dashboard stale-list" : "dashboard"}>
        {found.isPending && <Loading rows={12} />}
        {found.isError && !found.data && !fault && (
          <Failed what="The dashboard cannot be shown" error={found.error} onRetry={() => found.refetch()} />
        )}
        {found.data && isEmpty(found.data) && (
          <Nothing
            project={project}
            isNarrow={q !== "" || t !== ""}
            onAll={() => set({ q: "", t: "" }, "push")}
          />
        )}
        {found.data && !isEmpty(found.data) && (
          <>
            {whole.data && <Figures found={whole.data} />}
            <Cards
              found={found.data}
              costs={costs.data}
              by={by}
              hover={hover}
              onHover={setHover}
              onRange={zoom}
              onPick={(condition, from, to) =>
                navigate(tracesPath(project, [q, condition].filter(Boolean).join(" "), range(from, to)))
              }
            />
            <Tops project={project} q={q} t={t} />
          </>
        )}
      </div>
    </>
  );
}

function useMetrics(project: string, query: { m: string; by: string; q: string }, t: string) {
  return useQuery({
    queryKey: ["metrics", project, query.m, query.by, query.q, t],
    queryFn: ({ signal }) => api.metrics(project, { ...query, ...boundsOf(t), buckets: BUCKETS }, signal),
    placeholderData: keepPreviousData,
    retry: false,
    refetchInterval: isRelative(t) ? AGAIN_MS : false,
  });
}

function faultOf(error: Error | null): QueryFault | null {
  if (!(error instanceof ApiError) || error.problem.start === undefined) return null;
  return {
    message: error.message,
    start: 0,
    end: 0,
    ...error.problem,
    expected: error.problem.expected ?? [],
  };
}

const isEmpty = (found: Metrics) =>
  !found.series.some((line) => line.metric === "count" && line.v.some((n) => n !== null && n > 0));

function Nothing({ project, isNarrow, onAll }: { project: string; isNarrow: boolean; onAll: () => void }) {
  if (!isNarrow) return <Quickstart project={project} />;
  return (
    <Notice title="No traces in this time">
      <p className="muted">Nothing that matches was recorded in the chosen range.</p>
      <button type="button" onClick={onAll}>
        All time, no filter
      </button>
    </Notice>
  );
}
