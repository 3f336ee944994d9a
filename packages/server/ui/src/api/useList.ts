import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { boundsOf } from "../model/range";
import { applied, inSight, inserted, type Page, type Row } from "../model/rows";
import { api, type Rows } from "./client";
import type { SpanRow, TraceRow } from "./types";

const POLL_MS = 1000;
const UNFOCUSED_MS = 3000;
const SLOWEST_MS = 10_000;

export interface ListQuery {
  q: string;
  t: string;
  sort: string;
  fields: string;
}

export interface Changes<R> {
  upserts: R[];
  deleted: string[];
  seq: number;
}

/** Where the rows of a list come from, and what changed in them since. */
export interface Source<R extends Row> {
  of: Rows;
  page: (project: string, query: ListQuery, cursor: string | null, signal: AbortSignal) => Promise<Page<R>>;
  changes: (project: string, query: ListQuery, since: number, signal: AbortSignal) => Promise<Changes<R>>;
}

const asked = ({ q, t, sort, fields }: ListQuery) => ({ q, sort, fields, ...boundsOf(t) });

export const TRACES: Source<TraceRow> = {
  of: "traces",
  page: (project, query, cursor, signal) => api.traces(project, { ...asked(query), cursor }, signal),
  changes: (project, { q, fields }, since, signal) => api.delta(project, { since, q, fields }, signal),
};

/** Spans have no numbers of change of their own: when something changed in the project, the newest are read again. */
export const SPANS: Source<SpanRow> = {
  of: "spans",
  page: (project, query, cursor, signal) => api.spans(project, { ...asked(query), cursor }, signal),
  changes: async (project, query, since, signal) => {
    const { upserts, deleted, seq } = await api.delta(project, { since, limit: 1 }, signal);
    if (!upserts.length && !deleted.length) return { upserts: [], deleted: [], seq };
    const head = await api.spans(project, asked(query), signal);
    return { upserts: head.rows, deleted: [], seq: head.seq };
  },
};

type List<R> = InfiniteData<Page<R>, string | null>;

/** The list of a project, page by page. `live`: what changed comes in; new rows wait in `fresh` until `show` is called. */
export function useList<R extends Row>(source: Source<R>, project: string, query: ListQuery, live: boolean) {
  const client = useQueryClient();
  const { q, t, sort, fields } = query;
  const { of } = source;
  const key = useMemo(() => [of, project, q, t, sort, fields], [of, project, q, t, sort, fields]);
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => source.page(project, query, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: (before, was) => (was?.queryKey[1] === project ? before : undefined),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false, // the changes since then come by themselves
  });
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.rows) ?? [], [list.data]);
  const first = list.isPlaceholderData ? null : (list.data?.pages[0]?.seq ?? null);
  const changes = useChanges(source, project, query, live ? first : null, key);
  const fresh = useMemo(() => {
    const known = new Set(rows.map((row) => row.id));
    return changes.fresh.filter((row) => !known.has(row.id));
  }, [changes.fresh, rows]);
  const { take } = changes;
  const show = useCallback(() => {
    const taken = take();
    if (sort !== "-start") return void client.invalidateQueries({ queryKey: key });
    client.setQueryData<List<R>>(key, (data) => {
      const last = data?.pages.at(-1);
      return data && { ...data, pages: inserted(data.pages, taken, last?.next !== null) };
    });
  }, [client, key, sort, take]);
  return { ...list, rows, fresh, show, isOffline: changes.isOffline };
}

/** What changed since the list was asked for: applied to it, the new ones kept aside. */
function useChanges<R extends Row>(
  source: Source<R>,
  project: string,
  query: ListQuery,
  from: number | null,
  key: string[],
) {
  const client = useQueryClient();
  const seq = useRef<{ of: string; at: number } | null>(null);
  const [fresh, setFresh] = useState<R[]>([]);
  const of = key.join("\n");
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list has no news yet
  useEffect(() => setFresh([]), [of]);
  const delta = useQuery<Changes<R>>({
    queryKey: ["delta", ...key],
    enabled: from !== null,
    gcTime: 0,
    staleTime: 0,
    retry: false,
    refetchInterval: (query) => {
      const fails = query.state.fetchFailureCount;
      if (fails) return Math.min(POLL_MS * 2 ** fails, SLOWEST_MS);
      return document.hasFocus() ? POLL_MS : UNFOCUSED_MS;
    },
    queryFn: async ({ signal }) => {
      const since = seq.current?.of === of ? seq.current.at : (from ?? 0);
      const changes = await source.changes(project, query, since, signal);
      seq.current = { of, at: changes.seq };
      return changes;
    },
  });
  useEffect(() => {
    if (!delta.data?.upserts.length && !delta.data?.deleted.length) return;
    const { upserts, deleted } = delta.data;
    const data = client.getQueryData<List<R>>(key);
    if (!data) return;
    const result = applied(data.pages, upserts, deleted);
    client.setQueryData<List<R>>(key, { ...data, pages: result.pages });
    setFresh((before) => {
      const next = new Map(before.map((row) => [row.id, row]));
      const isInOrder = query.sort === "-start";
      for (const row of isInOrder ? inSight(data.pages, result.fresh) : result.fresh) next.set(row.id, row);
      for (const id of deleted) next.delete(id);
      return [...next.values()];
    });
  }, [delta.data, client, key, query.sort]);
  const take = useCallback(() => {
    setFresh([]);
    return freshNow.current;
  }, []);
  const freshNow = useRef(fresh);
  freshNow.current = fresh;
  return { fresh, take, isOffline: delta.isError };
}
