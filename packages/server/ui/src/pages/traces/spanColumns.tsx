import { Link } from "wouter";
import type { SpanRow } from "../../api/types";
import { count, duration } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { kindOf } from "../../model/kinds";
import { tracePath } from "../../model/paths";
import { Status } from "../../ui/Status";
import {
  COST,
  type Column,
  columnsOf,
  condition,
  DURATION,
  ID,
  IN_OUT,
  SCORES,
  TAGS,
  TIME,
  textColumn,
  VERSION,
} from "./column";

/** The columns of the list of spans of a project. */
const columns = (project: string): Column<SpanRow>[] => [
  TIME,
  {
    id: "name",
    label: "Span",
    width: 220,
    cell: (row) => (
      <>
        <Status status={row.status} />
        <Link href={tracePath(project, row.trace_id, row.id)} className="row-link" tabIndex={-1}>
          {visibleText(row.name) || "(no name)"}
        </Link>
      </>
    ),
    filter: (row) => condition("name", row.name),
  },
  {
    id: "kind",
    label: "Kind",
    width: 100,
    cell: (row) => (
      <>
        <span className={`kind kind-${kindOf(row.type).css}`} aria-hidden="true">
          {kindOf(row.type).letter}
        </span>{" "}
        {row.type}
      </>
    ),
    filter: (row) => condition("kind", row.type),
  },
  IN_OUT,
  DURATION,
  {
    id: "ttft",
    label: "First token",
    width: 90,
    isNumber: true,
    cell: (row) => (row.ttft_us === null ? "" : duration(row.ttft_us)),
    filter: (row) => (row.ttft_us === null ? null : `ttft>=${Math.floor(row.ttft_us / 1000)}ms`),
  },
  {
    id: "tokens",
    label: "Tokens",
    width: 76,
    isNumber: true,
    cell: (row) => (
      <span title={`${row.tin ?? 0} in, ${row.tout ?? 0} out`}>{tokens(row) ? count(tokens(row)) : ""}</span>
    ),
    filter: (row) => `tokens>=${tokens(row)}`,
  },
  COST,
  textColumn("model", "Model", 140, "model", (row) => row.model),
  textColumn("provider", "Provider", 100, "provider", (row) => row.provider),
  {
    id: "error",
    label: "Error",
    width: 150,
    cell: (row) => <span className="label-error">{visibleText(row.error_type ?? "")}</span>,
    filter: (row) => condition("error.type", row.error_type),
  },
  SCORES,
  TAGS,
  VERSION,
  ID,
  {
    id: "trace",
    label: "Trace's id",
    width: 280,
    cell: (row) => <code>{row.trace_id}</code>,
    filter: (row) => condition("trace", row.trace_id),
  },
];

const tokens = (row: SpanRow) => (row.tin ?? 0) + (row.tout ?? 0);

const USUAL = ["time", "name", "kind", "io", "duration", "tokens", "cost", "model", "error"];

export const spanColumns = (project: string) => columnsOf<SpanRow>(columns(project), USUAL);
