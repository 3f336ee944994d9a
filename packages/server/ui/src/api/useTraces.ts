import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api } from "./client";
import type { TracePage, TraceRow } from "./types";

const POLL_MS = 1000;

/** The list of a project, page by page, kept current by asking once a second what changed. */
export function useTraces(project: string, q: string) {
  const client = useQueryClient();
  const key = useMemo(() => ["traces", project, q], [project, q]);
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => api.traces(project, q, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: (before, query) => (query?.queryKey[1] === project ? before : undefined),
  });
  const seq = list.data && !list.isPlaceholderData ? Math.max(...list.data.pages.map((p) => p.seq)) : null;
  const delta = useQuery({
    queryKey: ["delta", project, q, seq],
    queryFn: ({ signal }) => api.delta(project, seq ?? 0, signal),
    enabled: seq !== null,
    refetchInterval: POLL_MS,
    gcTime: 0,
  });
  useEffect(() => {
    const changed = delta.data;
    if (!changed?.upserts.length) return;
    if (q) {
      client.invalidateQueries({ queryKey: key }); // only the server knows what matches
      return;
    }
    client.setQueryData<typeof list.data>(
      key,
      (data) =>
        data && {
          ...data,
          pages: merged(data.pages, changed.upserts, changed.seq, list.hasNextPage ?? false),
        },
    );
  }, [delta.data, q, key, client, list.hasNextPage]);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.rows) ?? [], [list.data]);
  return { ...list, rows, isOffline: delta.isError };
}

/** Known rows are replaced in place, newer ones come first; what belongs to a page not loaded yet is left out. */
export function merged(pages: TracePage[], upserts: TraceRow[], seq: number, hasMore: boolean): TracePage[] {
  const changed = new Map(upserts.map((row) => [row.id, row]));
  const replaced = pages.map((page) => ({
    ...page,
    seq,
    rows: page.rows.map((row) => {
      const found = changed.get(row.id);
      changed.delete(row.id);
      return found ?? row;
    }),
  }));
  const all = replaced.flatMap((page) => page.rows);
  const last = all.at(-1);
  const fresh = [...changed.values()].filter((row) => !last || !hasMore || row.start_us > last.start_us);
  if (!fresh.length) return replaced;
  const rows = [...all, ...fresh].sort((a, b) => b.start_us - a.start_us || (a.id < b.id ? 1 : -1));
  return replaced.map((page, n) => ({
    ...page,
    rows: n === 0 ? rows.slice(0, rows.length - all.length + page.rows.length) : page.rows,
    ...(n > 0 && {
      rows: rows.slice(
        fresh.length + offset(replaced, n),
        fresh.length + offset(replaced, n) + page.rows.length,
      ),
    }),
  }));
}

function offset(pages: TracePage[], n: number): number {
  return pages.slice(0, n).reduce((sum, page) => sum + page.rows.length, 0);
}
