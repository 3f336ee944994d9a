import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api } from "../../api/client";
import { when } from "../../model/format";
import { threadPath } from "../../model/paths";
import { Loading } from "../../ui/States";
import { Said } from "../threads/TurnView";

const TURNS = 200;
const SHOWN = 20;

/** The conversation up to the trace that is judged. */
export function Before({ project, thread, trace }: { project: string; thread: string; trace: string }) {
  const found = useQuery({
    queryKey: ["thread", project, thread, "before"],
    queryFn: ({ signal }) => api.thread(project, thread, { limit: TURNS }, signal),
  });
  const turns = found.data?.turns ?? [];
  const at = turns.findIndex((turn) => turn.trace_id === trace);
  const before = (at < 0 ? turns : turns.slice(0, at)).slice(-SHOWN);
  return (
    <section aria-label="Thread" className="review-thread">
      <h2>
        <Link href={`${threadPath(project, thread)}?turn=${trace}`}>Thread</Link>{" "}
        <span className="muted">
          {found.data && (at < 0 ? `${found.data.total} turns` : `turn ${at + 1} of ${found.data.total}`)}
        </span>
      </h2>
      {found.isPending && <Loading rows={4} />}
      {found.data && !before.length && <p className="muted">Nothing was said before.</p>}
      {before.map((turn) => (
        <div key={turn.trace_id} className="review-turn">
          <time className="muted number">{when(turn.start_us)}</time>
          <Said who="user" value={turn.input} cut={turn.truncated.input} />
          <Said who="answer" value={turn.error ? turn.error.type : turn.output} cut={turn.truncated.output} />
        </div>
      ))}
    </section>
  );
}
