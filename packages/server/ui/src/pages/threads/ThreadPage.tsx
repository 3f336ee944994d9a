import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { Link, useLocation } from "wouter";
import { ApiError, api } from "../../api/client";
import type { Thread } from "../../api/types";
import { cost, count, duration, scoreText } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { pagePath, tracePath } from "../../model/paths";
import { gapBefore, totalsOf } from "../../model/turns";
import { text } from "../../model/url";
import type { PageProps } from "../../routes";
import { useKeys } from "../../ui/keys";
import { Popover } from "../../ui/Popover";
import { Failed, Loading, Notice } from "../../ui/States";
import { useUrlState } from "../../ui/useUrlState";
import { focusScores, ScorePane } from "../scores/ScorePane";
import { Peek } from "../traces/Peek";
import { TurnView } from "./TurnView";
import { useTurnRows } from "./useTurnRows";
import "../traces/traces.css";
import "./threads.css";

const THREAD_STATE = { turn: text(), peek: text() }; // trace ids: where one is, and what is in the drawer
const PAGE = 100;
const SCORE = "thread-score-open";

/** One conversation, turn by turn: what was asked and answered, what it took; each turn opens as its trace. */
export default function ThreadPage({ project, id }: PageProps) {
  const [{ turn, peek }, set] = useUrlState(THREAD_STATE);
  const [, navigate] = useLocation();
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    document.title = `${id} · ${project} · trailmark`;
  }, [id, project]);
  const found = useInfiniteQuery({
    queryKey: ["thread", project, id],
    queryFn: ({ pageParam, signal }) => api.thread(project, id, { after: pageParam, limit: PAGE }, signal),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = found;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage(); // totals and jumps want all of it
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const turns = useMemo(() => found.data?.pages.flatMap((page) => page.turns) ?? [], [found.data]);
  const at = Math.max(
    0,
    turns.findIndex((one) => one.trace_id === turn),
  );
  const { virtual, isReady } = useTurnRows(scroller, turns, turn);
  const go = (to: number) => {
    const next = turns[Math.min(Math.max(to, 0), turns.length - 1)];
    if (!next) return;
    set({ turn: next.trace_id, ...(peek && { peek: next.trace_id }) });
    virtual.scrollToIndex(turns.indexOf(next), { align: "start" });
  };
  const current = turns[at];
  useKeys("Thread", [
    { keys: "j", label: "Next turn", run: () => go(turn ? at + 1 : 0) },
    { keys: "k", label: "Previous turn", run: () => go(at - 1) },
    { keys: "Home", label: "First turn", run: () => go(0) },
    { keys: "End", label: "Last turn", run: () => go(turns.length - 1) },
    {
      keys: "Space",
      label: "The turn's trace in a drawer",
      run: () => set({ peek: peek ? "" : (current?.trace_id ?? "") }),
    },
    {
      keys: "s",
      label: "Score the thread",
      run: () => document.querySelector<HTMLElement>(`.${SCORE}`)?.click(),
    },
    {
      keys: "Enter",
      label: "Open the turn's trace",
      run: () => current && navigate(tracePath(project, current.trace_id)),
    },
    {
      keys: "Escape",
      label: "Close the drawer, or to all threads",
      run: () => (peek ? set({ peek: "" }) : navigate(pagePath(project, "threads"))),
    },
  ]);
  if (found.error instanceof ApiError && found.error.status === 404)
    return (
      <Notice title="No such thread">
        <p className="muted">
          No trace of {visibleText(project)} belongs to {visibleText(id)}. It may have been deleted, or is in
          another project.
        </p>
        <Link href={pagePath(project, "threads")}>All threads</Link>
      </Notice>
    );
  if (found.isError && !turns.length)
    return <Failed what="The thread cannot be shown" error={found.error} onRetry={() => found.refetch()} />;
  const first = found.data?.pages[0];
  if (!first) return <Loading />;
  return (
    <div className="list">
      <Head thread={first} turns={turns} onJump={(n) => go(n)} at={at} isAll={!hasNextPage} />
      <div className="conversation" ref={scroller}>
        <ol className="turns" style={{ height: virtual.getTotalSize() }} data-ready={isReady}>
          {virtual.getVirtualItems().map((item) => {
            const one = turns[item.index];
            return (
              one && (
                <TurnView
                  key={one.trace_id}
                  measure={virtual.measureElement}
                  index={item.index}
                  top={item.start}
                  project={project}
                  turn={one}
                  gap={gapBefore(one, turns[item.index - 1])}
                  isActive={one.trace_id === turn}
                  onPeek={() => set({ peek: one.trace_id, turn: one.trace_id })}
                />
              )
            );
          })}
        </ol>
      </div>
      {peek && <Peek project={project} id={peek} onClose={() => set({ peek: "" })} />}
    </div>
  );
}

function ThreadScores({ thread }: { thread: Thread }) {
  useEffect(focusScores, []);
  return <ScorePane target={{ project: thread.project, thread_id: thread.id }} />;
}

interface HeadProps {
  thread: Thread;
  turns: Thread["turns"];
  at: number;
  isAll: boolean;
  onJump: (index: number) => void;
}

function Head({ thread, turns, at, isAll, onJump }: HeadProps) {
  const totals = totalsOf(turns);
  return (
    <header className="thread-head">
      <h1>{visibleText(thread.id)}</h1>
      <span className="thread-totals number muted">
        {thread.total === 1 ? "1 turn" : `${thread.total} turns`}
        {!isAll && ", still loading"} · {duration(totals.dur_us)} · {count(totals.tin)} → {count(totals.tout)}{" "}
        tokens
        {totals.cost !== null && ` · ${cost(totals.cost)}`}
      </span>
      {totals.errors > 0 && <span className="label-error">{totals.errors} failed</span>}
      {thread.scores.map((score) => (
        <span key={`${score.name} ${score.author}`} className="chip" title={score.reason ?? undefined}>
          {visibleText(score.name)} {visibleText(scoreText(score))}
        </span>
      ))}
      <Popover label="Score" title="Score the thread" className={`quiet ${SCORE}`}>
        {() => <ThreadScores thread={thread} />}
      </Popover>
      <label className="thread-jump muted">
        Turn{" "}
        <input
          type="number"
          min={1}
          max={turns.length}
          value={at + 1}
          onChange={(event) => event.target.value && onJump(Number(event.target.value) - 1)}
        />
      </label>
    </header>
  );
}
