import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api } from "../api/client";
import type { Job } from "../api/types";
import { toast } from "./Toast";

const LOOK_MS = 500;
const DONE = { tag: "tagged", untag: "untagged", score: "scored", delete: "deleted", drop: "deleted" };
const DOING = { tag: "Tagging", untag: "Untagging", score: "Scoring", delete: "Deleting", drop: "Deleting" };

/** What an action came to, in a sentence. */
export function told({ action, done, total, state, detail }: Job): string {
  const n = done.toLocaleString("en");
  if (state === "done") return `${n} ${done === 1 ? "trace" : "traces"} ${DONE[action]}`;
  const of = `${n} of ${total.toLocaleString("en")} traces`;
  if (state === "running") return `${DOING[action]}: ${of}`;
  return `${of} ${DONE[action]}, then ${state === "failed" ? `it failed: ${detail}` : "stopped"}`;
}

/** How far a job is; `onEnd` once it has ended. The server goes on with it also when nobody looks. */
export function JobLine({ job, onEnd }: { job: Job; onEnd: () => void }) {
  const { data = job } = useQuery({
    queryKey: ["job", job.id],
    queryFn: ({ signal }) => api.job(job.id, signal),
    refetchInterval: (query) => (query.state.data?.state === "running" ? LOOK_MS : false),
  });
  const hasEnded = useRef(false);
  useEffect(() => {
    if (data.state === "running" || hasEnded.current) return;
    hasEnded.current = true;
    toast(told(data), { isError: data.state === "failed" });
    onEnd();
  }, [data, onEnd]);
  return (
    <>
      <span role="status">{told(data)}</span>
      {data.state === "running" && (
        <button type="button" onClick={() => void api.stopJob(job.id)}>
          Stop
        </button>
      )}
    </>
  );
}

/** The jobs of all projects that run. */
export function RunningJobs({ onEnd }: { onEnd: () => void }) {
  const { data } = useQuery({ queryKey: ["jobs"], queryFn: ({ signal }) => api.jobs(signal) });
  return data
    ?.filter((job) => job.state === "running")
    .map((job) => (
      <p key={job.id} className="settings-row">
        {job.project}: <JobLine job={job} onEnd={onEnd} />
      </p>
    ));
}
