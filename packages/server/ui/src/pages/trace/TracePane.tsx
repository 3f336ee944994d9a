import type { Json, TraceDetail } from "../../api/types";
import { cost, count, lasted } from "../../model/format";
import type { Tab } from "../../ui/Tabs";
import { CommentPane } from "../comments/CommentPane";
import { ScorePane } from "../scores/ScorePane";
import { PaneFrame } from "./PaneFrame";
import { ChatTab, ErrorTab, Files, InputOutput, Metadata, Raw } from "./parts";

interface Props {
  found: TraceDetail;
  project: string;
  tab: string;
  onTab: (id: string) => void;
}

/** The trace as a whole. */
export function TracePane({ found, project, tab, onTab }: Props) {
  const { trace } = found;
  const { error } = trace;
  const files = trace.attachments.filter((file) => file.span_id === null);
  const tabs = (isRaw: boolean): Tab[] => [
    { id: "io", label: "Input / output", content: () => <InputOutput of={trace} isRaw={isRaw} /> },
    ...(trace.messages
      ? [
          {
            id: "chat",
            label: "Chat",
            content: () => <ChatTab of={{ ...trace, params: null }} isRaw={isRaw} />,
          },
        ]
      : []),
    ...(error ? [{ id: "error", label: "Error", content: () => <ErrorTab error={error} /> }] : []),
    {
      id: "scores",
      label: "Scores",
      badge: trace.scores.length,
      content: () => <ScorePane key={trace.id} target={{ project, trace_id: trace.id }} />,
    },
    {
      id: "comments",
      label: "Comments",
      content: () => <CommentPane key={trace.id} target={{ project, trace_id: trace.id }} />,
    },
    {
      id: "metadata",
      label: "Metadata",
      content: () => <Metadata value={trace.metadata} project={project} />,
    },
    ...(files.length
      ? [{ id: "files", label: "Files", badge: files.length, content: () => <Files files={files} /> }]
      : []),
    { id: "raw", label: "Raw", content: () => <Raw value={trace as unknown as Json} name={trace.id} /> },
  ];
  const tokens = trace.tin + trace.tout;
  return (
    <PaneFrame
      name={trace.name}
      type="trace"
      status={trace.status}
      facts={[
        ["Duration", trace.status === "running" ? null : lasted(trace)],
        ["Tokens", tokens ? `${count(trace.tin)} → ${count(trace.tout)}` : null],
        ["Cost", cost(trace.cost) || null],
      ]}
      tags={[]}
      tab={tab}
      onTab={onTab}
      tabs={tabs}
    />
  );
}
