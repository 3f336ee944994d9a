import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api } from "../api/client";
import type { ErrorInfo, Json, Score, SpanDetail, Trace } from "../api/types";
import { bytes, cost, count, duration, scoreText } from "../model/format";
import { kindOf } from "../model/kinds";
import { JsonView } from "../render/JsonView";
import { Value } from "../render/Value";
import { Status } from "../ui/Status";
import { type Tab, Tabs } from "../ui/Tabs";

const FIRST_BYTES = 262_144;
const ALL_BYTES = 268_435_456;

interface TabProps {
  tab: string;
  onTab: (id: string) => void;
}

/** The trace as a whole. */
export function TracePane({ trace, tab, onTab }: TabProps & { trace: Trace }) {
  const tabs: Tab[] = [
    { id: "io", label: "Input / output", content: () => <InputOutput of={trace} /> },
    {
      id: "scores",
      label: "Scores",
      badge: trace.scores.length,
      content: () => <Scores scores={trace.scores} />,
    },
    ...errorTab(trace.error),
    {
      id: "metadata",
      label: "Metadata",
      content: () => <Fields value={trace.metadata} none="No metadata." />,
    },
    { id: "raw", label: "Raw", content: () => <Raw value={trace as unknown as Json} /> },
  ];
  return (
    <>
      <PaneHead letter="◆" css="trace" name={trace.name} type="trace" status={trace.status} facts={[]} />
      <Tabs tabs={tabs} open={tab} onOpen={onTab} />
    </>
  );
}

/** One span, loaded when it is selected and again when `version` changes. */
export function SpanPane(props: TabProps & { traceId: string; spanId: string; version: string }) {
  const { traceId, spanId, version, tab, onTab } = props;
  const [maxBytes, setMaxBytes] = useState(FIRST_BYTES);
  const found = useQuery({
    queryKey: ["span", traceId, spanId, maxBytes, version],
    queryFn: ({ signal }) => api.span(traceId, spanId, maxBytes, signal),
    placeholderData: keepPreviousData,
  });
  if (found.isError) return <p className="pane-note">{found.error.message}</p>;
  const span = found.data;
  if (!span) return <div className="pane-head" aria-busy="true" />;
  const tabs: Tab[] = [
    {
      id: "io",
      label: "Input / output",
      content: () => <InputOutput of={span} cut={span.truncated} onAll={() => setMaxBytes(ALL_BYTES)} />,
    },
    {
      id: "scores",
      label: "Scores",
      badge: span.scores.length,
      content: () => <Scores scores={span.scores} />,
    },
    ...errorTab(span.error),
    {
      id: "metadata",
      label: "Metadata",
      content: () => <Fields value={span.metadata} none="No metadata." />,
    },
    ...(span.usage || span.usage_raw
      ? [{ id: "usage", label: "Usage", content: () => <Usage span={span} /> }]
      : []),
    { id: "raw", label: "Raw", content: () => <Raw value={span as unknown as Json} /> },
  ];
  const kind = kindOf(span.type);
  return (
    <>
      <PaneHead
        letter={kind.letter}
        css={kind.css}
        name={span.name}
        type={span.type}
        status={span.status}
        facts={spanFacts(span)}
        tags={span.tags}
      />
      <Tabs tabs={tabs} open={tab} onOpen={onTab} />
    </>
  );
}

function spanFacts(span: SpanDetail): [string, string][] {
  const used = span.usage ? Object.entries(span.usage) : [];
  const sum = (side: string) =>
    used.reduce((n, [part, tokens]) => (part.startsWith(side) ? n + tokens : n), 0);
  const facts: [string, string | null][] = [
    ["Duration", duration(span.dur_us)],
    ["First token", span.first_token_us === null ? null : duration(span.first_token_us - span.start_us)],
    ["Model", span.model],
    ["Provider", span.provider],
    ["Tokens", used.length ? `${count(sum("input"))} → ${count(sum("output"))}` : null],
    ["Cost", cost(span.cost) || null],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}

interface HeadProps {
  letter: string;
  css: string;
  name: string;
  type: string;
  status: Trace["status"];
  facts: [string, string][];
  tags?: string[];
}

function PaneHead({ letter, css, name, type, status, facts, tags = [] }: HeadProps) {
  return (
    <div className="pane-head">
      <h2>
        <span className={`kind kind-${css}`}>{letter}</span>
        {name || "(no name)"}
        <span className="muted">{type}</span>
        {status !== "ok" && <Status status={status} word />}
        {tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </h2>
      {facts.length > 0 && (
        <dl className="facts">
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

interface InputOutputProps {
  of: { input: Json; output: Json; error: ErrorInfo | null; status: Trace["status"] };
  cut?: Record<string, number>;
  onAll?: () => void;
}

function InputOutput({ of, cut = {}, onAll }: InputOutputProps) {
  const isRunning = of.status === "running";
  return (
    <>
      {of.error && (
        <div className="error-line" role="note">
          <strong>{of.error.type}</strong> {of.error.message}
        </div>
      )}
      {(["input", "output"] as const).map((side) => (
        <Section key={side} title={side === "input" ? "Input" : "Output"} value={of[side]}>
          {of[side] === null || of[side] === undefined ? (
            <p className="pane-note">
              {isRunning && side === "output" ? "Not yet: it still runs." : "Nothing recorded."}
            </p>
          ) : (
            <Value value={of[side]} />
          )}
          {cut[side] !== undefined && onAll && (
            <button type="button" className="load-all" onClick={onAll}>
              Cut here: {bytes(cut[side])} in all. Load all
            </button>
          )}
        </Section>
      ))}
    </>
  );
}

function Section({ title, value, children }: { title: string; value: Json; children: ReactNode }) {
  return (
    <section className="section">
      <h3>
        {title}
        {value !== null && value !== undefined && <CopyButton value={value} what={title} />}
      </h3>
      {children}
    </section>
  );
}

function CopyButton({ value, what }: { value: Json; what: string }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(typeof value === "string" ? value : JSON.stringify(value, null, 2));
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" className="copy" onClick={copy} aria-label={`Copy ${what.toLowerCase()}`}>
      {isDone ? "Copied" : "Copy"}
    </button>
  );
}

function Scores({ scores }: { scores: Score[] }) {
  if (!scores.length) return <p className="pane-note">No scores.</p>;
  return (
    <table className="plain">
      <thead>
        <tr>
          {["Score", "Value", "Reason", "Source"].map((name) => (
            <th key={name}>{name}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {scores.map((score) => (
          <tr key={`${score.name} ${score.source} ${score.author}`}>
            <td>{score.name}</td>
            <td className="score-value">{scoreText(score)}</td>
            <td>{score.reason}</td>
            <td className="muted">{[score.source, score.author].filter(Boolean).join(" · ")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function errorTab(error: ErrorInfo | null): Tab[] {
  if (!error) return [];
  const content = () => (
    <>
      <div className="error-line">
        <strong>{error.type}</strong> {error.message}
      </div>
      {error.traceback && <pre className="code traceback">{error.traceback}</pre>}
    </>
  );
  return [{ id: "error", label: "Error", content }];
}

function Fields({ value, none }: { value: Json; none: string }) {
  const isEmpty = value === null || (typeof value === "object" && !Object.keys(value).length);
  return isEmpty ? <p className="pane-note">{none}</p> : <JsonView value={value} />;
}

const PARTS: Record<string, string> = {
  input: "Input",
  input_cached: "Input, from cache",
  input_cache_write: "Input, written to cache",
  input_audio: "Input, audio",
  output: "Output",
  output_reasoning: "Output, reasoning",
  output_audio: "Output, audio",
};

function Usage({ span }: { span: SpanDetail }) {
  const parts = Object.entries(span.usage ?? {});
  return (
    <>
      <table className="plain usage">
        <tbody>
          {parts.map(([part, tokens]) => (
            <tr key={part}>
              <td>{PARTS[part] ?? part}</td>
              <td className="number">{tokens.toLocaleString("en")}</td>
            </tr>
          ))}
          <tr className="total">
            <td>Together</td>
            <td className="number">
              {parts.reduce((sum, [, tokens]) => sum + tokens, 0).toLocaleString("en")}
            </td>
          </tr>
          {span.cost !== null && (
            <tr className="total">
              <td>Cost</td>
              <td className="number">{cost(span.cost)}</td>
            </tr>
          )}
        </tbody>
      </table>
      {span.usage_raw !== null && (
        <Section title="As the provider said it" value={span.usage_raw}>
          <JsonView value={span.usage_raw} />
        </Section>
      )}
    </>
  );
}

function Raw({ value }: { value: Json }) {
  return (
    <Section title="JSON" value={value}>
      <JsonView value={value} openDepth={3} />
    </Section>
  );
}
