import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import { completed } from "../model/skeleton";
import { api } from "./client";
import type { LoadedTrace, SpanColumns, TraceDetail } from "./types";

const LIVE_MS = 1000;
const QUIET_MS = 2000;
const LOADED_ALONE = 60_000; // spans; past them somebody asks for more
const AT_ONCE = { figures_up_to: 2000 }; // spans; of more the tree comes first (public/boot.js asks the same)

/**
 * A trace's columns: asked again while it runs, page after page when it is long, a large one's figures after its tree.
 * What did not change keeps its identity.
 */
export function useTrace(id: string) {
  const client = useQueryClient();
  const key = ["trace", id];
  const found = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const before = client.getQueryData<LoadedTrace>(key);
      if (!before?.hasFigures) return await api.skeleton(id, before ? {} : AT_ONCE, signal);
      const now = await api.skeleton(id, { since: before.seq }, signal);
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
    const before = client.getQueryData<LoadedTrace>(["trace", id]);
    if (!before?.hasFigures || before.next === null || isLoading.current) return;
    isLoading.current = true;
    try {
      const page = await api.skeleton(id, { after: before.next });
      client.setQueryData<LoadedTrace>(["trace", id], (now) => (now === before ? joined(before, page) : now));
    } finally {
      isLoading.current = false;
    }
  }, [client, id]);
  useEffect(() => {
    if (!data || data.hasFigures) return;
    api.figures(id).then(
      ({ seq, figures }) =>
        client.setQueryData<LoadedTrace>(["trace", id], (now) =>
          now === data && seq === now.seq ? completed(now, figures) : now,
        ),
      () => {}, // the next time it is asked for as a whole
    );
  }, [client, id, data]);
  useEffect(() => {
    if (data?.next && data.cols.id.length < LOADED_ALONE) void more();
  }, [data, more]);
  return { data, error: found.error, isError: found.isError, retry: () => void found.refetch(), more };
}

export function isLive({ trace, cols }: TraceDetail): boolean {
  return trace.status === "running" || cols.status.includes("running");
}

function joined(before: LoadedTrace, page: LoadedTrace): LoadedTrace {
  const cols = { ...before.cols } as Record<keyof SpanColumns, unknown[]>;
  for (const [name, values] of Object.entries(page.cols) as [keyof SpanColumns, unknown[]][])
    cols[name] = [...(cols[name] ?? []), ...values];
  return { ...before, cols: cols as unknown as SpanColumns, next: page.next };
}

/** A long trace that changed: as many pages as were there. */
async function loadedAgain(
  id: string,
  before: LoadedTrace,
  now: LoadedTrace,
  signal: AbortSignal,
): Promise<LoadedTrace> {
  let all = now;
  while (all.next !== null && all.cols.id.length < before.cols.id.length)
    all = joined(all, await api.skeleton(id, { after: all.next }, signal));
  return all;
}
