import { useEffect, useRef } from "react";
import type { Count } from "../../api/types";
import { flag, text } from "../../model/url";
import type { PageProps } from "../../routes";
import { announce } from "../../ui/Announcer";
import { Failed, Loading, Notice } from "../../ui/States";
import { useUrlState } from "../../ui/useUrlState";
import { FilterBar } from "../traces/FilterBar";
import { RangePicker } from "../traces/RangePicker";
import { Card } from "./Card";
import { useQueue } from "./useQueue";
import "../traces/traces.css";
import "../scores/scores.css";
import "./review.css";

const REVIEW_STATE = { q: text(), t: text(), i: text(), todo: flag() }; // i: the trace one is at

/** Traces one after the other, judged by keys alone. */
export default function ReviewPage({ project }: PageProps) {
  const [{ q, t, i, todo }, set] = useUrlState(REVIEW_STATE);
  const filterField = useRef<HTMLInputElement | null>(null);
  useEffect(() => {
    document.title = `Review · ${project} · trailmark`;
  }, [project]);
  const { found, rows, index, isSeeking, total, done } = useQueue(project, { q, t, isTodo: todo, at: i });
  const row = isSeeking ? undefined : rows[index];
  const go = (by: number) => {
    const next = rows[index + by];
    if (next) set({ i: next.id });
    else announce(by > 0 ? "That was the last one" : "This is the first one");
  };
  return (
    <>
      <div className="list-controls">
        <div className="list-line">
          <FilterBar
            project={project}
            value={q}
            onRun={(next) => set({ q: next, i: "" }, "push")}
            fieldRef={filterField}
            fault={null}
          />
          <RangePicker t={t} onRange={(next) => set({ t: next, i: "" }, "push")} />
          <label className="check">
            <input
              type="checkbox"
              checked={todo}
              onChange={(event) => set({ todo: event.target.checked, i: "" }, "push")}
            />
            Not scored yet
          </label>
        </div>
        <Progress total={total} done={done} />
      </div>
      {(found.isPending || isSeeking) && <Loading />}
      {found.isError && (
        <Failed what="The queue cannot be shown" error={found.error} onRetry={() => found.refetch()} />
      )}
      {found.data && !row && !isSeeking && (
        <Notice title={todo ? "All of it is scored" : "Nothing to review"}>
          <p className="muted">
            {todo
              ? "No trace of this queue waits for a score."
              : "No trace matches. Any filter makes a queue."}
          </p>
        </Notice>
      )}
      {row && (
        <Card
          key={row.id}
          project={project}
          row={row}
          place={`${index + 1} of ${placeOf(rows.length, found.hasNextPage, todo ? undefined : total)}`}
          onGo={go}
          onFilter={() => filterField.current?.focus()}
        />
      )}
    </>
  );
}

/** How long the queue is: counted, or as far as it is loaded. */
function placeOf(loaded: number, hasMore: boolean, total: Count | undefined): string {
  if (!hasMore) return String(loaded);
  return total
    ? `${total.exact ? "" : "about "}${total.estimate.toLocaleString("en")}`
    : `more than ${loaded}`;
}

/** How much of the queue the reader has given every score. */
function Progress({ total, done }: { total: Count | undefined; done: Count | undefined }) {
  if (!total?.estimate || !done) return null;
  const about = total.exact && done.exact ? "" : "about ";
  return (
    <div className="list-line review-progress">
      <progress max={total.estimate} value={done.estimate} aria-label="Scored" />
      <span className="number muted">
        {about}
        {done.estimate.toLocaleString("en")} of {total.estimate.toLocaleString("en")} scored
      </span>
    </div>
  );
}
