import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import { api } from "./client";
import type { SpanColumns, TraceDetail } from "./types";

const LIVE_MS = 1000;
const QUIET_MS = 2000;
const LOADED_ALONE = 60_000; // spans; past them somebody asks for more

/** A trace's columns: asked again while it runs, page after page when it is long. What did not change keeps its identity. */
export function useTrace(id: string) {
  const client = useQueryClient();
  const key = ["trace", id];
  const found = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const before = client.getQueryData<TraceDetail>(key);
      const now = await api.skeleton(id, before ? { since: before.seq } : {}, signal);
      if (!before) return now;
      return now.unchanged
        ? before
        : { ...now, ...(before.next === null ? {} : await loadedAgain(id, before, now, signal)) };
    },
    refetchInterval: (query) => (query.state.data && isLive(query.state.data) ? LIVE_MS : QUIET_MS),
    structuralSharing: false,
  });
  const { data } = found;
  const isLoading = useRef(false);
  const more = useCallback(async () => {
    const before = client.getQueryData<TraceDetail>(["trace", id]);
    if (!before || before.next === null || isLoading.current) return;
    isLoading.current = true;
    try {
      const page = await api.skeleton(id, { after: before.next });
      client.setQueryData<TraceDetail>(["trace", id], (now) => (now === before ? joined(before, page) : now));
    } finally {
      isLoading.current = false;
    }
  }, [client, id]);
  useEffect(() => {
    if (data?.next && data.cols.id.length < LOADED_ALONE) void more();
  }, [data, more]);
  return { data, error: found.error, isError: found.isError, retry: () => void found.refetch(), more };
}

export function isLive({ trace, cols }: TraceDetail): boolean {
  return trace.status === "running" || cols.status.includes("running");
}

function joined(before: TraceDetail, page: TraceDetail): TraceDetail {
  const cols = { ...before.cols } as Record<keyof SpanColumns, unknown[]>;
  for (const [name, values] of Object.entries(page.cols) as [keyof SpanColumns, unknown[]][])
    cols[name] = [...(cols[name] ?? []), ...values];
  return { ...before, cols: cols as unknown as SpanColumns, next: page.next };
}

/** A long trace that changed: as many pages as were there. */
async function loadedAgain(
  id: string,
  before: TraceDetail,
  now: TraceDetail,
  signal: AbortSignal,
): Promise<TraceDetail> {
  let all = now;
  while (all.next !== null && all.cols.id.length < before.cols.id.length)
    all = joined(all, await api.skeleton(id, { after: all.next }, signal));
  return all;
}
