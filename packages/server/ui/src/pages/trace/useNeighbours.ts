import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api } from "../../api/client";
import type { Trace, TraceRow } from "../../api/types";
import { tracePath } from "../../model/paths";

export interface Neighbours {
  newer: string | null;
  older: string | null;
  go: (to: "newer" | "older") => void;
}

/** The traces before and after: those of the list somebody came from, or the project's by time. */
export function useNeighbours(project: string, trace: Trace, isOff: boolean): Neighbours {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const listed = isOff
    ? null
    : fromList(
        client.getQueriesData<{ pages: { rows: TraceRow[] }[] }>({ queryKey: ["traces", project] }),
        trace.id,
      );
  const asked = useQuery({
    queryKey: ["neighbours", trace.id],
    enabled: !isOff && listed === null,
    staleTime: 30_000,
    queryFn: async ({ signal }) => {
      const [newer, older] = await Promise.all([
        api.traces(project, { from: trace.start_us + 1, sort: "start", limit: 1 }, signal),
        api.traces(project, { to: trace.start_us, sort: "-start", limit: 1 }, signal),
      ]);
      return { newer: newer.rows[0]?.id ?? null, older: older.rows[0]?.id ?? null };
    },
  });
  const { newer = null, older = null } = listed ?? asked.data ?? {};
  const go = (to: "newer" | "older") => {
    const id = to === "newer" ? newer : older;
    if (id) navigate(tracePath(project, id));
  };
  return { newer, older, go };
}

function fromList(lists: [unknown, { pages: { rows: TraceRow[] }[] } | undefined][], id: string) {
  for (const [, list] of lists.toReversed()) {
    const ids = list?.pages.flatMap((page) => page.rows.map((row) => row.id)) ?? [];
    const at = ids.indexOf(id);
    if (at >= 0) return { newer: ids[at - 1] ?? null, older: ids[at + 1] ?? null };
  }
  return null;
}
