import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "../../api/client";
import { useAuthor, useScoreDefs } from "../../api/useScoring";
import { both, scoredQuery } from "../../model/queue";
import { boundsOf } from "../../model/range";

const AHEAD = 40; // rows before the last loaded one at which the next page is asked for

interface Asked {
  q: string;
  t: string;
  isTodo: boolean; // leave out what the reader has scored already
  at: string; // the trace one is at
}

/** The traces to judge, newest first, page after page, and how many of them the reader has scored. */
export function useQueue(project: string, { q, t, isTodo, at }: Asked) {
  const [author] = useAuthor();
  const scored = scoredQuery(useScoreDefs(project), author);
  const wanted = isTodo ? both(q, `NOT (${scored})`) : q;
  const found = useInfiniteQuery({
    queryKey: ["review", project, wanted, t],
    queryFn: ({ pageParam, signal }) =>
      api.traces(project, { q: wanted, ...boundsOf(t), cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    staleTime: Number.POSITIVE_INFINITY, // what one scores must not leave the queue under one's hands
    retry: false,
  });
  const rows = found.data?.pages.flatMap((page) => page.rows) ?? [];
  const place = rows.findIndex((row) => row.id === at);
  const index = Math.max(0, place);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = found;
  const isSeeking = at !== "" && place < 0 && hasNextPage; // a link to a trace further down
  useEffect(() => {
    if ((isSeeking || index >= rows.length - AHEAD) && hasNextPage && !isFetchingNextPage)
      void fetchNextPage();
  }, [isSeeking, index, rows.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const counted = (condition: string) => ({
    queryKey: ["review-count", project, condition, t],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api.count(project, "traces", { q: condition, ...boundsOf(t) }, signal),
    retry: false,
  });
  const total = useQuery(counted(q));
  const done = useQuery(counted(both(q, scored)));
  return { found, rows, index, isSeeking, total: total.data, done: done.data };
}
