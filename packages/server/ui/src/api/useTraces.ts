import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { merged } from "../model/rows";
import { api } from "./client";

const POLL_MS = 1000;

/** The list of a project, page by page, kept current by asking once a second what changed. */
export function useTraces(project: string, q: string) {
  const client = useQueryClient();
  const key = useMemo(() => ["traces", project, q], [project, q]);
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => api.traces(project, { q, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: (before, query) => (query?.queryKey[1] === project ? before : undefined),
  });
  const seq = list.data && !list.isPlaceholderData ? Math.max(...list.data.pages.map((p) => p.seq)) : null;
  const delta = useQuery({
    queryKey: ["delta", project, q, seq],
    queryFn: ({ signal }) => api.delta(project, { since: seq ?? 0 }, signal),
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
