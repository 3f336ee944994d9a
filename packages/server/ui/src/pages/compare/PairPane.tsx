import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api } from "../../api/client";
import type { CompareRow, Json, SpanDetail, TraceDetail } from "../../api/types";
import { delta } from "../../model/compare";
import { cost, count, duration } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { tracePath } from "../../model/paths";
import { Value } from "../../render/Value";
import { later } from "../../ui/later";
import { Failed, Loading } from "../../ui/States";

const TextDiff = later(
  async () => (await import("./TextDiff")).default,
  () => <Loading rows={2} />,
);
const BYTES = 262_144;

interface Props {
  row: CompareRow;
  left: TraceDetail;
  right: TraceDetail;
  project: string;
}

/** What the two spans of a row were given and gave, word by word where they differ. */
export function PairPane({ row, left, right, project }: Props) {
  const a = useSpan(left, row.a);
  const b = useSpan(right, row.b);
  const failed = [a, b].find((one) => one.isError);
  const some = a.data ?? b.data;
  const isWaiting = (row.a !== null && !a.data) || (row.b !== null && !b.data);
  if (failed?.error)
    return <Failed what="A span cannot be shown" error={failed.error} onRetry={() => failed.refetch()} />;
  if (isWaiting || !some) return <Loading />;
  return (
    <section className="pair-pane" aria-label="Differences">
      <header className="pair-head">
        <h1>{visibleText(some.name) || "(no name)"}</h1>
        {a.data && <Side side="A" project={project} trace={left} span={a.data} />}
        {b.data && <Side side="B" project={project} trace={right} span={b.data} />}
        {a.data && b.data && <Deltas a={a.data} b={b.data} />}
      </header>
      {a.data && b.data ? (
        <Differences a={a.data} b={b.data} />
      ) : (
        <Alone span={some} side={a.data ? "A" : "B"} />
      )}
    </section>
  );
}

function useSpan(of: TraceDetail, row: number | null) {
  const id = row === null ? "" : (of.cols.id[row] ?? "");
  return useQuery({
    queryKey: ["span", of.trace.id, id, BYTES, String(of.seq)],
    queryFn: ({ signal }) => api.span(of.trace.id, id, BYTES, signal),
    enabled: id !== "",
    staleTime: Number.POSITIVE_INFINITY,
  });
}

function Side({
  side,
  project,
  trace,
  span,
}: {
  side: "A" | "B";
  project: string;
  trace: TraceDetail;
  span: SpanDetail;
}) {
  return (
    <span className="number">
      <span className={`side side-${side.toLowerCase()}`}>{side}</span>{" "}
      <Link href={tracePath(trace.trace.project || project, trace.trace.id, span.id)}>
        {span.status}, {duration(span.dur_us)}
      </Link>
    </span>
  );
}

function Deltas({ a, b }: { a: SpanDetail; b: SpanDetail }) {
  const total = (span: SpanDetail) => Object.values(span.usage ?? {}).reduce((sum, n) => sum + n, 0);
  const parts = [
    delta(a.dur_us < 0 ? null : a.dur_us, b.dur_us < 0 ? null : b.dur_us, duration),
    delta(total(a), total(b), (n) => `${count(n)} tokens`),
    delta(a.cost, b.cost, cost),
  ].filter(Boolean);
  return parts.length ? <span className="muted number">{parts.join(", ")}</span> : null;
}

const FIELDS = ["params", "input", "output", "error", "metadata"] as const;
const NAMES = {
  params: "Parameters",
  input: "Input",
  output: "Output",
  error: "Error",
  metadata: "Metadata",
};

function Differences({ a, b }: { a: SpanDetail; b: SpanDetail }) {
  const facts = (["status", "model", "provider", "type"] as const).filter((name) => a[name] !== b[name]);
  const fields = FIELDS.filter((name) => textOf(fieldOf(a, name)) !== textOf(fieldOf(b, name)));
  return (
    <>
      {facts.map((name) => (
        <p key={name} className="pair-fact">
          <span className="muted">{name}</span> <del>{visibleText(a[name] ?? "none")}</del>{" "}
          <ins>{visibleText(b[name] ?? "none")}</ins>
        </p>
      ))}
      {fields.map((name) => (
        <section key={name} aria-label={NAMES[name]}>
          <h2>{NAMES[name]}</h2>
          <TextDiff a={textOf(fieldOf(a, name))} b={textOf(fieldOf(b, name))} />
        </section>
      ))}
      {!facts.length && !fields.length && (
        <p className="muted">Given and giving the same. What differs is inside, or in time and tokens.</p>
      )}
      {(a.truncated.input || b.truncated.input || a.truncated.output || b.truncated.output) && (
        <p className="muted">Large values were compared by their beginnings.</p>
      )}
    </>
  );
}

function Alone({ span, side }: { span: SpanDetail; side: "A" | "B" }) {
  return (
    <>
      <p className="muted">Only {side} has this span.</p>
      {(["input", "output"] as const)
        .filter((name) => span[name] !== null)
        .map((name) => (
          <section key={name} aria-label={NAMES[name]}>
            <h2>{NAMES[name]}</h2>
            <Value value={span[name]} label={NAMES[name]} isRaw={false} />
          </section>
        ))}
    </>
  );
}

const fieldOf = (span: SpanDetail, name: (typeof FIELDS)[number]): Json => (span[name] ?? null) as Json;

/** As people read it: text as it is, anything else as JSON whose texts keep their line breaks. */
function textOf(value: Json): string {
  if (value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2).replaceAll("\\n", "\n");
}
