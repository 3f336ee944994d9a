import type { ReactNode } from "react";
import { Link } from "wouter";
import type { ScoreValue, TraceRow } from "../../api/types";
import { cost, count, duration, fullTime, scoreText, when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { quoted, tracePath } from "../../model/paths";
import { Status } from "../../ui/Status";

/** A column of the list. A new one is one entry in COLUMNS. */
export interface Column {
  id: string;
  label: string;
  width: number; // px; the first with `grows` takes what is left
  grows?: boolean;
  isNumber?: boolean;
  sort?: string; // the server's key
  field?: string; // asked of the server, as it is in no row by itself
  cell: (row: TraceRow, scale: Scale) => ReactNode;
  filter?: (row: TraceRow) => string | null; // the condition that finds rows with this value
}

/** What cells are drawn against: the largest duration in sight. */
export interface Scale {
  duration: number;
}

const LOW_SCORE = 0.5;

const condition = (field: string, value: string | null) => (value ? `${field}:${quoted(value)}` : null);

export const COLUMNS: Column[] = [
  {
    id: "time",
    label: "Time",
    width: 124,
    sort: "start",
    cell: (row) => <time title={fullTime(row.start_us)}>{when(row.start_us)}</time>,
  },
  {
    id: "name",
    label: "Trace",
    width: 220,
    cell: (row) => (
      <>
        <Status status={row.status} />
        <Link href={tracePath(row.project, row.id)} className="row-link" tabIndex={-1}>
          {visibleText(row.name) || "(no name)"}
        </Link>
      </>
    ),
    filter: (row) => condition("name", row.name),
  },
  {
    id: "io",
    label: "Input → output",
    width: 320,
    grows: true,
    cell: (row) => (
      <span className="io">
        <bdi className="io-in">{visibleText(row.in)}</bdi>
        {row.out && (
          <bdi className={row.status === "error" ? "io-out label-error" : "io-out"}>
            {visibleText(row.out)}
          </bdi>
        )}
      </span>
    ),
  },
  {
    id: "duration",
    label: "Duration",
    width: 96,
    isNumber: true,
    sort: "duration",
    cell: (row, scale) =>
      row.dur_us < 0 ? (
        <span className="muted">running</span>
      ) : (
        <span
          className="cell-bar"
          style={{ backgroundSize: `${barShare(row.dur_us, scale.duration)}% 100%` }}
        >
          {duration(row.dur_us)}
        </span>
      ),
    filter: (row) => (row.dur_us < 0 ? null : `duration>=${Math.floor(row.dur_us / 1000)}ms`),
  },
  {
    id: "spans",
    label: "Spans",
    width: 76,
    isNumber: true,
    cell: (row) => (
      <>
        {row.errors > 0 && (
          <span className="label-error" title={`${row.errors} with errors`}>
            {row.errors} ✕{" "}
          </span>
        )}
        {count(row.spans)}
      </>
    ),
    filter: (row) => `spans>=${row.spans}`,
  },
  {
    id: "tokens",
    label: "Tokens",
    width: 76,
    isNumber: true,
    sort: "tokens",
    cell: (row) => (
      <span title={`${row.tin} in, ${row.tout} out`}>
        {row.tin + row.tout ? count(row.tin + row.tout) : ""}
      </span>
    ),
    filter: (row) => `tokens>=${row.tin + row.tout}`,
  },
  {
    id: "cost",
    label: "Cost",
    width: 80,
    isNumber: true,
    sort: "cost",
    cell: (row) => cost(row.cost),
    filter: (row) => (row.cost === null ? null : `cost>=${row.cost}`),
  },
  {
    id: "models",
    label: "Model",
    width: 140,
    cell: (row) => (
      <span title={row.models.join(", ")}>
        {visibleText(row.models[0] ?? "")}
        {row.models.length > 1 && <span className="muted"> +{row.models.length - 1}</span>}
      </span>
    ),
    filter: (row) => condition("model", row.models[0] ?? null),
  },
  {
    id: "scores",
    label: "Scores",
    width: 150,
    cell: (row) =>
      Object.entries(row.scores).map(([name, score]) => (
        <span key={name} className="score" title={score.reason ?? name}>
          <span className="score-name">{visibleText(name)}</span> <ScoreText score={score} />
        </span>
      )),
  },
  {
    id: "tags",
    label: "Tags",
    width: 150,
    cell: (row) =>
      row.tags.map((tag) => (
        <span key={tag} className="tag">
          {visibleText(tag)}
        </span>
      )),
    filter: (row) => condition("tag", row.tags[0] ?? null),
  },
  {
    id: "user",
    label: "User",
    width: 110,
    cell: (row) => visibleText(row.user ?? ""),
    filter: (row) => condition("user", row.user),
  },
  {
    id: "thread",
    label: "Thread",
    width: 130,
    cell: (row) => visibleText(row.thread ?? ""),
    filter: (row) => condition("thread", row.thread),
  },
  { id: "env", label: "Environment", width: 110, field: "env", ...ofField("env") },
  { id: "version", label: "Version", width: 90, field: "version", ...ofField("version") },
  {
    id: "ttft",
    label: "First token",
    width: 90,
    isNumber: true,
    field: "ttft",
    cell: (row) => {
      const us = row.fields?.ttft;
      return typeof us === "number" ? duration(us) : "";
    },
  },
  { id: "id", label: "Id", width: 280, cell: (row) => <code>{row.id}</code> },
];

function ofField(name: string): Pick<Column, "cell" | "filter"> {
  const text = (row: TraceRow): string => {
    const value = row.fields?.[name];
    return value === null || value === undefined
      ? ""
      : typeof value === "string"
        ? value
        : JSON.stringify(value);
  };
  return { cell: (row) => visibleText(text(row).slice(0, 200)), filter: (row) => condition(name, text(row)) };
}

/** A column by its id; `score.x` and `metadata.x` are columns of their own. */
export function columnOf(id: string): Column | null {
  const known = COLUMNS.find((column) => column.id === id);
  if (known) return known;
  const [head, ...rest] = id.split(".");
  const key = rest.join(".");
  if (!key) return null;
  if (head === "metadata") return { id, label: key, width: 120, field: id, ...ofField(id) };
  if (head !== "score") return null;
  return {
    id,
    label: key,
    width: 90,
    isNumber: true,
    cell: (row) => {
      const score = row.scores[key];
      return score ? <ScoreText score={score} /> : "";
    },
    filter: (row) => {
      const score = row.scores[key];
      if (!score) return null;
      return typeof score.value === "number"
        ? `score.${key}<=${score.value}`
        : condition(`score.${key}`, scoreText(score));
    },
  };
}

function ScoreText({ score }: { score: ScoreValue }) {
  const isLow = typeof score.value === "number" && score.value >= 0 && score.value < LOW_SCORE;
  return (
    <span className={isLow || score.value === false ? "label-error" : undefined}>
      {visibleText(scoreText(score))}
    </span>
  );
}

/** Of the root, so that one slow trace does not flatten the others. */
const barShare = (us: number, longest: number) => Math.sqrt(Math.min(us / Math.max(longest, 1), 1)) * 100;
