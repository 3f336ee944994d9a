import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import type { Judgement } from "../model/scoring";
import { mine, USUAL } from "../model/scoring";
import { remember, remembered } from "../ui/remember";
import { toast } from "../ui/Toast";
import { askAnew } from "./anew";
import { api } from "./client";
import type { KnownScore, ScoreDef } from "./types";

/** What is judged: one of the ids. */
export interface ScoreTarget {
  project: string;
  trace_id?: string;
  span_id?: string;
  thread_id?: string;
}

const AUTHOR_KEY = "author";
const listeners = new Set<() => void>();
let signed: string | null = null;

/** Who judges: the name this browser signs with, the same wherever it is shown. */
export function useAuthor(): [string, (name: string) => void] {
  const author = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => signed ?? remembered(AUTHOR_KEY) ?? "",
  );
  const sign = (name: string) => {
    signed = name;
    remember(AUTHOR_KEY, name || null);
    for (const listener of listeners) listener();
  };
  return [author, sign];
}

/** The scores of a trace, span or thread, and giving them: at once, with a way back. */
export function useScoring(target: ScoreTarget) {
  const client = useQueryClient();
  const { project, ...ids } = target;
  const [author, sign] = useAuthor();
  const key = ["scores", project, ids.trace_id ?? "", ids.span_id ?? "", ids.thread_id ?? ""];
  const found = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.scores({ ...ids, ...(ids.thread_id && { project }) }, signal),
  });
  const defs = useScoreDefs(project);
  const refresh = () =>
    askAnew(client, ["scores"], ["trace"], ["span"], ["thread"], ["threads"], ["review-count"]);
  const own = ids.span_id ? "span_id" : ids.trace_id ? "trace_id" : "thread_id";
  const scores = (found.data ?? []).filter((score) => score[own] === ids[own]);
  const put = async (name: string, judgement: Judgement, reason: string | null): Promise<boolean> => {
    try {
      await api.giveScore({
        ...ids,
        ...(ids.thread_id && { project }),
        name,
        ...judgement,
        reason,
        source: "ui",
        author,
      });
      await refresh();
      return true;
    } catch (error) {
      toast(`Not saved: ${(error as Error).message}`, { isError: true });
      return false;
    }
  };
  const drop = async (score: KnownScore) => {
    try {
      await api.takeScoreBack(score.id);
    } catch (error) {
      toast(`Not taken back: ${(error as Error).message}`, { isError: true });
    }
    await refresh();
  };
  /** Give, and say so with a way back to what was there before. */
  const give = async (name: string, judgement: Judgement, reason: string | null) => {
    const before = mine(scores, name, author);
    const isDone = await put(name, judgement, reason);
    if (isDone)
      toast(`${name} saved`, {
        undo: () =>
          void (before
            ? put(name, { value: before.value, label: before.label }, before.reason)
            : api
                .scores({ ...ids, ...(ids.thread_id && { project }) })
                .then((now) =>
                  mine(
                    now.filter((score) => score[own] === ids[own]),
                    name,
                    author,
                  ),
                )
                .then((given) => given && drop(given))),
      });
    return isDone;
  };
  return { scores, defs, author, sign, give, drop, error: found.error };
}

/** How a project's scores are given: as defined, or the usual two. */
export function useScoreDefs(project: string): readonly ScoreDef[] {
  const found = useQuery({
    queryKey: ["score-defs", project],
    queryFn: ({ signal }) => api.scoreDefs(project, signal),
    staleTime: 60_000,
  });
  return found.data?.length ? found.data : USUAL;
}
