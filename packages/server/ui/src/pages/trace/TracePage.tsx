import { useEffect } from "react";
import { Link } from "wouter";
import { ApiError } from "../../api/client";
import { useTrace } from "../../api/useTrace";
import { tracesPath } from "../../model/paths";
import type { PageProps } from "../../routes";
import { Failed, Loading, Notice, Offline } from "../../ui/States";
import { useUrlState } from "../../ui/useUrlState";
import { TraceView } from "./TraceView";
import { TRACE_STATE } from "./traceState";

/** A trace: what happened in which order at the left, one span whole at the right. */
export default function TracePage({ project, id }: PageProps) {
  const [state, set] = useUrlState(TRACE_STATE);
  const found = useTrace(id);
  const trace = found.data?.trace;
  useEffect(() => {
    document.title = trace
      ? `${trace.status === "error" ? "Error · " : ""}${trace.name || "(no name)"} · ${project}`
      : "trailmark";
  }, [trace, project]);
  if (found.data) {
    return (
      <>
        {found.isError && <Offline />}
        <TraceView
          key={id}
          found={found.data}
          project={project}
          state={state}
          set={set}
          onMore={found.more}
        />
      </>
    );
  }
  if (!found.error) return <Loading rows={16} />;
  if (!(found.error instanceof ApiError && found.error.status === 404))
    return <Failed what="The trace cannot be shown" error={found.error} onRetry={found.retry} />;
  return (
    <Notice title="There is no such trace">
      <p className="muted">
        No trace has the id <code>{id}</code>. It may have been deleted, or not have arrived yet.
      </p>
      <div className="actions">
        <Link className="button" href={tracesPath(project)}>
          All traces of {project}
        </Link>
      </div>
    </Notice>
  );
}
