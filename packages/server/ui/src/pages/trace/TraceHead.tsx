import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api } from "../../api/client";
import type { Meta, Trace } from "../../api/types";
import { serverUrl } from "../../base";
import { ago, cost, count, fullTime, lasted, when } from "../../model/format";
import { comparePath, quoted, tracePath, tracesPath } from "../../model/paths";
import { copyAndSay } from "../../ui/copy";
import { Dialog } from "../../ui/Dialog";
import { Menu } from "../../ui/Popover";
import { Status } from "../../ui/Status";
import { toast } from "../../ui/Toast";
import type { Neighbours } from "./useNeighbours";

const STALE_US = 600e6;

interface Props {
  trace: Trace;
  project: string;
  neighbours: Neighbours;
  isPeek: boolean;
  count: string;
}

/** The trace in one line, and what can be done with it. */
export function TraceHead({ trace, project, neighbours, isPeek, count: spans }: Props) {
  const tokens = trace.tin + trace.tout;
  const isStale = trace.status === "running" && Date.now() * 1000 - trace.start_us > STALE_US;
  return (
    <header className="trace-head">
      {!isPeek && (
        <Link
          href={tracesPath(project)}
          className="icon-button back"
          aria-label="All traces"
          title="All traces (Esc)"
        >
          ←
        </Link>
      )}
      <h1>
        <Status status={trace.status} word />
        {isPeek ? (
          <Link href={tracePath(project, trace.id)}>{trace.name || "(no name)"}</Link>
        ) : (
          <span className="trace-name">{trace.name || "(no name)"}</span>
        )}
      </h1>
      <dl className="facts">
        <Fact name="Duration" value={isStale ? "no end" : lasted(trace)} />
        <Fact name="Spans" value={spans} />
        {trace.errors > 0 && <Fact name="Errors" value={String(trace.errors)} isBad />}
        {tokens > 0 && (
          <Fact name="Tokens" value={count(tokens)} title={`${trace.tin} in, ${trace.tout} out`} />
        )}
        {trace.cost !== null && <Fact name="Cost" value={cost(trace.cost)} />}
        <Fact
          name="Started"
          value={when(trace.start_us)}
          title={`${fullTime(trace.start_us)} · ${ago(trace.start_us)}`}
        />
        <LinkedFact name="Thread" field="thread" value={trace.thread} project={project} />
        <LinkedFact name="User" field="user" value={trace.user} project={project} />
        <LinkedFact name="Env" field="env" value={trace.environment} project={project} />
      </dl>
      <div className="trace-head-right">
        {trace.tags.map((tag) => (
          <Link
            key={tag}
            href={tracesPath(project, `tag:${quoted(tag)}`)}
            className="tag"
            title="Traces with this tag"
          >
            {tag}
          </Link>
        ))}
        {!isPeek && (
          <>
            <button
              type="button"
              className="icon-button"
              aria-label="Newer trace"
              title="Newer trace ([)"
              disabled={neighbours.newer === null}
              onClick={() => neighbours.go("newer")}
            >
              ↑
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label="Older trace"
              title="Older trace (])"
              disabled={neighbours.older === null}
              onClick={() => neighbours.go("older")}
            >
              ↓
            </button>
          </>
        )}
        <Actions trace={trace} project={project} />
      </div>
    </header>
  );
}

function Actions({ trace, project }: { trace: Trace; project: string }) {
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const here = `${serverUrl}${tracePath(project, trace.id)}`;
  const [isAsking, setAsking] = useState(false);
  const remove = async () => {
    setAsking(false);
    await api.deleteTrace(trace.id);
    client.removeQueries({ queryKey: ["traces", project] });
    toast("Trace deleted");
    navigate(tracesPath(project));
  };
  const key = () =>
    client.getQueryData<Meta>(["meta"])?.auth ? '-H "Authorization: Bearer $TRAILMARK_API_KEY" ' : "";
  const whole = async () => JSON.stringify(await api.trace(trace.id), null, 2);
  return (
    <>
      <Menu
        label={<span aria-hidden="true">⋯</span>}
        title="Actions"
        className="icon-button"
        items={[
          { label: "Copy link", keys: "y", run: () => copyAndSay(here, "Link") },
          { label: "Copy id", run: () => copyAndSay(trace.id, "Id") },
          { label: "Copy as JSON", run: async () => copyAndSay(await whole(), "Trace") },
          {
            label: "Copy as curl",
            run: () => copyAndSay(`curl ${key()}${serverUrl}/api/v1/traces/${trace.id}\n`, "curl"),
          },
          {
            label: "Copy as Python",
            run: () =>
              copyAndSay(
                `import trailmark\n\ntrace = trailmark.Client(url=${JSON.stringify(serverUrl)}).get_trace("${trace.id}")\n`,
                "Python",
              ),
          },
          { label: "Compare with another…", run: () => navigate(comparePath(project, trace.id, "")) },
          { label: "Delete…", danger: true, run: () => setAsking(true) },
        ]}
      />
      {isAsking && (
        <Dialog title="Delete this trace?" onClose={() => setAsking(false)}>
          <p>
            {trace.name} goes with its {trace.spans} spans, scores and files. It cannot be undone.
          </p>
          <div className="actions dialog-actions">
            <button type="button" className="danger" onClick={remove}>
              Delete
            </button>
            <button type="button" onClick={() => setAsking(false)}>
              Keep it
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Fact({
  name,
  value,
  title,
  isBad = false,
}: {
  name: string;
  value: string;
  title?: string;
  isBad?: boolean;
}) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd className={isBad ? "label-error" : undefined}>{value}</dd>
    </div>
  );
}

function LinkedFact({
  name,
  field,
  value,
  project,
}: {
  name: string;
  field: string;
  value: string | null;
  project: string;
}) {
  if (!value) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Link
          href={tracesPath(project, `${field}:${quoted(value)}`)}
          title={`Traces of this ${name.toLowerCase()}`}
        >
          {value}
        </Link>
      </dd>
    </div>
  );
}
