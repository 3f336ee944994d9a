import { Link } from "wouter";
import type { TraceRow } from "../../api/types";
import { count, duration } from "../../model/format";
import { visibleText } from "../../model/hygiene";
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
  ofField,
  SCORES,
  TAGS,
  TIME,
  textColumn,
  VERSION,
} from "./column";

/** The columns of the list of traces, in the order the chooser offers them. A new one is one entry here. */
const COLUMNS: Column<TraceRow>[] = [
  TIME,
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
  IN_OUT,
  { ...DURATION, sort: "duration" },
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
  { ...COST, sort: "cost" },
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
  SCORES,
  TAGS,
  textColumn("user", "User", 110, "user", (row) => row.user),
  textColumn("thread", "Thread", 130, "thread", (row) => row.thread),
  { id: "env", label: "Environment", width: 110, field: "env", ...ofField("env") },
  VERSION,
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
  ID,
];

const USUAL = ["time", "name", "io", "duration", "spans", "tokens", "cost", "models", "scores"];

export const TRACE_COLUMNS = columnsOf<TraceRow>(COLUMNS, USUAL);
