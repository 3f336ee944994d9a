import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../../api/client";
import type { Json, SpanDetail, Trace } from "../../api/types";
import { serverUrl } from "../../base";
import { cost, count, duration, fullTime, lasted } from "../../model/format";
import { tracePath } from "../../model/paths";
import { isSameSpan } from "../../model/skeleton";
import { callAsPython } from "../../model/snippets";
import { copyAndSay } from "../../ui/copy";
import { Menu } from "../../ui/Popover";
import { Failed } from "../../ui/States";
import type { Tab } from "../../ui/Tabs";
import { CommentPane } from "../comments/CommentPane";
import { ScorePane } from "../scores/ScorePane";
import { PaneFrame } from "./PaneFrame";
import { ChatTab, ErrorTab, Files, InputOutput, Metadata, Raw, Usage } from "./parts";

const FIRST_BYTES = 262_144;
const ALL_BYTES = 268_435_456;
const SETTLE_MS = 70;

interface Props {
  trace: Trace;
  spanId: string;
  version: string; // changes when the span may have
  offset: number; // µs from the trace's begin
  tab: string;
  onTab: (id: string) => void;
}

/** One span, loaded when the selection rests on it: the selection itself never waits for it. */
export function SpanPane({ trace, spanId, version, offset, tab, onTab }: Props) {
  const settled = useSettled(spanId);
  const [all, setAll] = useState<string | null>(null); // the span whose bodies are wanted whole
  const maxBytes = all === settled ? ALL_BYTES : FIRST_BYTES;
  const found = useQuery({
    queryKey: ["span", trace.id, settled, maxBytes, version],
    queryFn: ({ signal }) => api.span(trace.id, settled, maxBytes, signal),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (found.isError && !found.data)
    return <Failed what="The span cannot be shown" error={found.error} onRetry={() => found.refetch()} />;
  const span = found.data;
  if (!span) return <div className="pane-head" aria-busy="true" />;
  const { error } = span;
  const isHere = isSameSpan(span.id, spanId);
  const whole = () => setAll(settled);
  const tabs = (isRaw: boolean): Tab[] => {
    const chat: Tab[] =
      span.messages || span.truncated.messages
        ? [{ id: "chat", label: "Chat", content: () => <ChatTab of={span} isRaw={isRaw} onAll={whole} /> }]
        : [];
    return [
      ...chat,
      {
        id: "io",
        label: "Input / output",
        content: () => <InputOutput of={span} isRaw={isRaw} onAll={whole} />,
      },
      ...(error ? [{ id: "error", label: "Error", content: () => <ErrorTab error={error} /> }] : []),
      ...(span.usage || span.usage_raw
        ? [{ id: "usage", label: "Usage", content: () => <Usage span={span} /> }]
        : []),
      {
        id: "metadata",
        label: "Metadata",
        content: () => <Metadata value={span.metadata} project={trace.project} />,
      },
      {
        id: "scores",
        label: "Scores",
        badge: span.scores.length,
        content: () => <ScorePane key={span.id} target={{ project: trace.project, span_id: span.id }} />,
      },
      {
        id: "comments",
        label: "Comments",
        content: () => <CommentPane key={span.id} target={{ project: trace.project, span_id: span.id }} />,
      },
      ...(span.attachments.length
        ? [
            {
              id: "files",
              label: "Files",
              badge: span.attachments.length,
              content: () => <Files files={span.attachments} />,
            },
          ]
        : []),
      { id: "raw", label: "Raw", content: () => <Raw value={span as unknown as Json} name={span.id} /> },
    ];
  };
  return (
    <div className={isHere ? "pane-inner" : "pane-inner stale"} aria-busy={!isHere}>
      <PaneFrame
        key={span.id}
        name={span.name}
        type={span.type}
        status={span.status}
        facts={factsOf(span, offset)}
        tags={span.tags}
        actions={<Actions span={span} />}
        tab={tab}
        onTab={onTab}
        tabs={tabs}
      />
    </div>
  );
}

/** The first value at once; while values rush by, only the one that stays. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function factsOf(span: SpanDetail, offset: number): [string, string | null, string?][] {
  const used = Object.entries(span.usage ?? {});
  const sum = (side: string) =>
    used.reduce((n, [part, tokens]) => (part.startsWith(side) ? n + tokens : n), 0);
  const cached = span.usage?.input_cached ?? 0;
  return [
    ["Duration", lasted(span)],
    ["Starts at", `+${duration(Math.max(offset, 0))}`, fullTime(span.start_us)],
    ["First token", span.first_token_us === null ? null : duration(span.first_token_us - span.start_us)],
    ["Model", span.model],
    ["Provider", span.provider],
    [
      "Tokens",
      used.length ? `${count(sum("input"))} → ${count(sum("output"))}` : null,
      `${sum("input")} in, ${sum("output")} out`,
    ],
    ["Cached", cached ? count(cached) : null],
    ["Cost", span.cost === null ? (used.length ? "unpriced" : null) : cost(span.cost)],
  ];
}

function Actions({ span }: { span: SpanDetail }) {
  const here = `${serverUrl}${tracePath(span.project, span.trace_id, span.id)}`;
  const snippet = callAsPython(span);
  return (
    <Menu
      label={<span aria-hidden="true">⋯</span>}
      title="Span actions"
      className="icon-button"
      items={[
        { label: "Copy link", keys: "y", run: () => copyAndSay(here, "Link") },
        { label: "Copy id", run: () => copyAndSay(span.id, "Id") },
        { label: "Copy as JSON", run: () => copyAndSay(JSON.stringify(span, null, 2), "Span") },
        {
          label: "Copy as Python",
          ...(snippet.python === null && { disabled: "Only calls of a model can be repeated" }),
          run: () => copyAndSay(snippet.python ?? "", "Python"),
        },
        {
          label: "Copy as curl",
          ...(snippet.curl === null && { disabled: "Only calls of a model can be repeated" }),
          run: () => copyAndSay(snippet.curl ?? "", "curl"),
        },
      ]}
    />
  );
}
