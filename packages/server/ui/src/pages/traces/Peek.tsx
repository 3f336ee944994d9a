import { useCallback, useMemo, useState } from "react";
import { Link } from "wouter";
import { useTrace } from "../../api/useTrace";
import { tracePath } from "../../model/paths";
import { readState } from "../../model/url";
import { Boundary } from "../../ui/Boundary";
import { later } from "../../ui/later";
import { Failed, Loading } from "../../ui/States";
import { type SetTraceState, TRACE_STATE, type TraceState } from "../trace/traceState";

const TraceView = later(
  async () => (await import("../trace/TraceView")).TraceView,
  () => <Loading />,
);

interface Props {
  project: string;
  id: string;
  span?: string;
  onClose: () => void;
}

/** So that opening a trace from the list waits for its data only. */
export const loadTraceEarly = TraceView.early;

/** The trace page in a drawer over the list. What is selected in it stays in it. */
export function Peek({ project, id, span = "", onClose }: Props) {
  const found = useTrace(id);
  const [state, setState] = useState<TraceState>(() => ({ ...readState(TRACE_STATE, ""), span }));
  const set = useCallback<SetTraceState>((patch) => setState((before) => ({ ...before, ...patch })), []);
  const shown = useMemo(() => found.data, [found.data]);
  return (
    <aside className="peek" aria-label="Peek">
      <div className="peek-bar">
        <Link href={tracePath(project, id, span)} className="button quiet">
          Open <kbd>Enter</kbd>
        </Link>
        <span className="muted">j k next, previous</span>
        <button
          type="button"
          className="icon-button"
          aria-label="Close (Esc)"
          title="Close (Esc)"
          onClick={onClose}
        >
          ✕
        </button>
      </div>
      <Boundary key={id} what="The trace cannot be shown">
        {shown ? (
          <TraceView
            key={id}
            found={shown}
            project={project}
            state={state}
            set={set}
            onMore={found.more}
            isPeek
          />
        ) : found.error ? (
          <Failed what="The trace cannot be shown" error={found.error} onRetry={found.retry} />
        ) : (
          <Loading />
        )}
      </Boundary>
    </aside>
  );
}
