import { useState } from "react";
import { useLocation } from "wouter";
import { ApiError, api, inProject, type Rows, search } from "../../api/client";
import type { Job } from "../../api/types";
import { base } from "../../base";
import { comparePath } from "../../model/paths";
import { boundsOf } from "../../model/range";
import { announce } from "../../ui/Announcer";
import { Dialog } from "../../ui/Dialog";
import { JobLine } from "../../ui/Jobs";
import { toast } from "../../ui/Toast";

interface Props {
  project: string;
  of: Rows;
  checked: ReadonlySet<string>;
  q: string;
  t: string;
  onClear: () => void;
  onDone: () => void;
}

type Action = "tag" | "untag" | "score" | "delete";

/** What can be done with the chosen traces, or with all that the filter finds. */
export function BulkBar({ project, of, checked, q, t, onClear, onDone }: Props) {
  const [all, setAll] = useState<number | null>(null); // how many the filter finds, when all of them are meant
  const [action, setAction] = useState<Action | null>(null);
  const [job, setJob] = useState<Job | null>(null);
  const [, navigate] = useLocation();
  const n = all ?? checked.size;
  const ids = [...checked];
  const chosen = all === null ? { ids } : { q, ...given(boundsOf(t)) };
  const meanAll = async () => {
    const found = await api.count(project, of, { q, ...boundsOf(t) });
    setAll(found.estimate);
    announce(`${found.estimate} ${of} chosen`);
  };
  const run = async (more: object) => {
    if (!action) return;
    try {
      const found = await api.bulk(project, { ...chosen, action, expected: n, ...more });
      if ("id" in found) setJob(found);
      else {
        toast(`${found.done} ${found.done === 1 ? "trace" : "traces"} ${DONE[action]}`);
        onDone();
      }
    } catch (error) {
      toast(error instanceof ApiError ? error.message : String(error), { isError: true });
    }
    setAction(null);
  };
  const exported = all === null ? { of, q: `id:(${ids.join(",")})` } : { of, q, ...boundsOf(t) };
  if (job)
    return (
      <div className="bulk">
        <JobLine job={job} onEnd={onDone} />
      </div>
    );
  return (
    <div className="bulk" role="toolbar" aria-label={`Chosen ${of}`}>
      <strong>{n.toLocaleString("en")} chosen</strong>
      {all === null && (
        <button type="button" className="quiet" onClick={meanAll}>
          All that {q ? "match" : "there are"}
        </button>
      )}
      {of === "traces" && (
        <>
          <button type="button" onClick={() => setAction("tag")}>
            Tag
          </button>
          <button type="button" onClick={() => setAction("untag")}>
            Untag
          </button>
          <button type="button" onClick={() => setAction("score")}>
            Score
          </button>
        </>
      )}
      {of === "traces" && (
        <button
          type="button"
          disabled={ids.length !== 2}
          title="Two traces (C)"
          onClick={() => navigate(comparePath(project, ids[0] ?? "", ids[1] ?? ""))}
        >
          Compare
        </button>
      )}
      <a className="button" href={`${base}/api/v1${inProject(project)}/export${search(exported)}`} download>
        Export JSONL
      </a>
      {of === "traces" && (
        <button type="button" className="danger" onClick={() => setAction("delete")}>
          Delete
        </button>
      )}
      <button type="button" className="quiet" onClick={onClear}>
        Clear
      </button>
      {action && <Ask action={action} n={n} onRun={run} onClose={() => setAction(null)} />}
    </div>
  );
}

const DONE: Record<Action, string> = { tag: "tagged", untag: "untagged", score: "scored", delete: "deleted" };

const given = (bounds: { from: string | null; to: string | null }) =>
  Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== null));

interface AskProps {
  action: Action;
  n: number;
  onRun: (more: object) => void;
  onClose: () => void;
}

function Ask({ action, n, onRun, onClose }: AskProps) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const traces = `${n.toLocaleString("en")} ${n === 1 ? "trace" : "traces"}`;
  const titles = {
    tag: `Tag ${traces}`,
    untag: `Take a tag from ${traces}`,
    score: `Score ${traces}`,
    delete: `Delete ${traces}?`,
  };
  const isNumber = value.trim() !== "" && Number.isFinite(Number(value));
  const more = {
    tag: { tag: name.trim() },
    untag: { tag: name.trim() },
    score: {
      score: { name: name.trim(), ...(isNumber ? { value: Number(value) } : { label: value.trim() }) },
    },
    delete: {},
  };
  const isReady = action === "delete" || (name.trim() !== "" && (action !== "score" || value.trim() !== ""));
  return (
    <Dialog title={titles[action]} onClose={onClose}>
      <form
        className="ask"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) onRun(more[action]);
        }}
      >
        {action === "delete" ? (
          <p>Their spans, scores and files go with them. It cannot be undone.</p>
        ) : (
          <label>
            {action === "score" ? "Score" : "Tag"}
            <input type="text" value={name} onChange={(event) => setName(event.target.value)} />
          </label>
        )}
        {action === "score" && (
          <label>
            Value
            <input
              type="text"
              value={value}
              placeholder="0.8, or a label"
              onChange={(event) => setValue(event.target.value)}
            />
          </label>
        )}
        <div className="actions">
          <button type="submit" className={action === "delete" ? "danger" : "primary"} disabled={!isReady}>
            {action === "delete" ? `Delete ${traces}` : "Do it"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
