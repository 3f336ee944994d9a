import type { ReactNode } from "react";
import type { Json, ScoreValue, Status } from "../../api/types";
import { cost, duration, fullTime, lasted, scoreText, when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { keyed, quoted } from "../../model/paths";

/** What every row of a list has, be it a trace or a span. */
export interface ListRow {
  id: string;
  name: string;
  status: Status;
  start_us: number;
  dur_us: number;
  cost: number | null;
  tags: string[];
  scores: { [name: string]: ScoreValue };
  in: string;
  out: string;
  fields?: { [key: string]: Json } | null;
}

/** A column of a list. */
export interface Column<R> {
  id: string;
  label: string;
  width: number; // px; the first with `grows` takes what is left
  grows?: boolean;
  isNumber?: boolean;
  sort?: string; // the server's key
  field?: string; // asked of the server, as it is in no row by itself
  cell: (row: R, scale: Scale) => ReactNode;
  filter?: (row: R) => string | null; // the condition that finds rows with this value
}

/** What cells are drawn against: the largest duration in sight. */
export interface Scale {
  duration: number;
}

/** The columns of a kind of rows. `of`: one by its id; `score.x` and `metadata.x` are columns of their own. */
export interface Columns<R> {
  all: readonly Column<R>[];
  usual: readonly string[];
  of: (id: string) => Column<R> | null;
}

export const columnsOf = <R extends ListRow>(
  all: readonly Column<R>[],
  usual: readonly string[],
): Columns<R> => ({
  all,
  usual,
  of: (id) => all.find((column) => column.id === id) ?? openColumn(id),
});

export const condition = (field: string, value: string | null) =>
  value ? `${field}:${quoted(value)}` : null;

/** A text of the row; `f` on it asks for the same in `field`. */
export const textColumn = <R extends ListRow>(
  id: string,
  label: string,
  width: number,
  field: string,
  text: (row: R) => string | null,
): Column<R> => ({
  id,
  label,
  width,
  cell: (row) => visibleText(text(row) ?? ""),
  filter: (row) => condition(field, text(row)),
});

export const TIME: Column<ListRow> = {
  id: "time",
  label: "Time",
  width: 124,
  sort: "start",
  cell: (row) => <time title={fullTime(row.start_us)}>{when(row.start_us)}</time>,
};

export const IN_OUT: Column<ListRow> = {
  id: "io",
  label: "Input → output",
  width: 320,
  grows: true,
  cell: (row) => (
    <span className="io">
      <bdi className="io-in">{visibleText(row.in)}</bdi>
      {row.out && (
        <bdi className={row.status === "error" ? "io-out label-error" : "io-out"}>{visibleText(row.out)}</bdi>
      )}
    </span>
  ),
};

export const DURATION: Column<ListRow> = {
  id: "duration",
  label: "Duration",
  width: 96,
  isNumber: true,
  cell: (row, scale) =>
    row.dur_us < 0 || row.status === "interrupted" ? (
      <span className="muted">{lasted(row)}</span>
    ) : (
      <span className="cell-bar" style={{ backgroundSize: `${barShare(row.dur_us, scale.duration)}% 100%` }}>
        {duration(row.dur_us)}
      </span>
    ),
  filter: (row) => (row.dur_us < 0 ? null : `duration>=${Math.floor(row.dur_us / 1000)}ms`),
};

export const COST: Column<ListRow> = {
  id: "cost",
  label: "Cost",
  width: 80,
  isNumber: true,
  cell: (row) => cost(row.cost),
  filter: (row) => (row.cost === null ? null : `cost>=${row.cost}`),
};

export const SCORES: Column<ListRow> = {
  id: "scores",
  label: "Scores",
  width: 150,
  cell: (row) =>
    Object.entries(row.scores).map(([name, score]) => (
      <span key={name} className="score" title={score.reason ?? name}>
        <span className="score-name">{visibleText(name)}</span> <ScoreText score={score} />
      </span>
    )),
};

export const TAGS: Column<ListRow> = {
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
};

export const VERSION: Column<ListRow> = {
  id: "version",
  label: "Version",
  width: 90,
  field: "version",
  ...ofField("version"),
};

export const ID: Column<ListRow> = {
  id: "id",
  label: "Id",
  width: 280,
  cell: (row) => <code>{row.id}</code>,
};

/** Cell and filter of a value that the server adds to a row. */
export function ofField(name: string): Pick<Column<ListRow>, "cell" | "filter"> {
  const text = (row: ListRow): string => {
    const value = row.fields?.[name];
    return value === null || value === undefined
      ? ""
      : typeof value === "string"
        ? value
        : JSON.stringify(value);
  };
  return { cell: (row) => visibleText(text(row).slice(0, 200)), filter: (row) => condition(name, text(row)) };
}

function openColumn(id: string): Column<ListRow> | null {
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
        ? `${keyed("score", key)}<=${score.value}`
        : condition(keyed("score", key), scoreText(score));
    },
  };
}

const LOW_SCORE = 0.5;

function ScoreText({ score }: { score: ScoreValue }) {
  const isLow = typeof score.value === "number" && score.value >= 0 && score.value < LOW_SCORE;
  return (
    <span className={isLow || score.value === false ? "label-error" : undefined}>
      {visibleText(scoreText(score))}
    </span>
  );
}

/** Of the root, so that one slow row does not flatten the others. */
const barShare = (us: number, longest: number) => Math.sqrt(Math.min(us / Math.max(longest, 1), 1)) * 100;
