// The read API, as the server answers (GET /api/v1/...). Times are microseconds since the epoch.

export type Status = "running" | "ok" | "error" | "cancelled" | "interrupted";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Project {
  name: string;
  traces: number;
  last_us: number | null;
}

export interface ScoreValue {
  value: number | boolean | null;
  label: string | null;
  reason: string | null;
}

export interface Score extends ScoreValue {
  name: string;
  source: string;
  author: string;
}

export interface TraceRow {
  id: string;
  project: string;
  name: string;
  status: Status;
  start_us: number;
  dur_us: number; // -1 while it runs
  spans: number;
  errors: number;
  tin: number;
  tout: number;
  cost: number | null;
  models: string[];
  user: string | null;
  thread: string | null;
  tags: string[];
  scores: Record<string, ScoreValue>;
  in: string;
  out: string;
}

export interface TracePage {
  rows: TraceRow[];
  next: string | null;
  seq: number;
}

export interface TraceDelta {
  upserts: TraceRow[];
  deleted: string[];
  seq: number;
  more: boolean;
}

export interface ErrorInfo {
  type: string;
  message: string | null;
  traceback: string | null;
}

export interface Trace {
  id: string;
  project: string;
  name: string;
  status: Status;
  start_us: number;
  end_us: number | null;
  dur_us: number;
  thread: string | null;
  user: string | null;
  environment: string | null;
  tags: string[];
  metadata: Json;
  input: Json;
  output: Json;
  error: ErrorInfo | null;
  scores: Score[];
  attachments: Attachment[];
  tin: number;
  tout: number;
  cost: number | null;
  spans: number;
  errors: number;
}

/** Spans as columns, in order of start; `parent` is a row index or -1. */
export interface SpanColumns {
  id: string[];
  parent: number[];
  name: string[];
  type: string[];
  start_us: number[];
  dur_us: number[];
  status: Status[];
  model: (string | null)[];
  tin: (number | null)[];
  tout: (number | null)[];
  cost: (number | null)[];
  tcached: (number | null)[];
  ttft_us: (number | null)[];
  scores: number[];
  flags: number[]; // 1: its parent is not in the store, 2: following parents came back to it
}

export interface TraceDetail {
  v: 1;
  trace: Trace;
  cols: SpanColumns;
  total: number;
  next: number | null;
  seq: number;
  unchanged: boolean;
}

export interface Attachment {
  id: string;
  name: string;
  content_type: string;
  size: number;
  span_id: string | null;
}

export interface ClientReport {
  client: string;
  mode: string;
  dropped: Record<string, number>;
  seen_us: number;
}

export interface Meta {
  version: string;
  home: string;
  disk_bytes: number;
  ingest_lag_us?: number | null;
}

export interface SpanDetail {
  id: string;
  trace_id: string;
  project: string;
  parent_id: string | null;
  name: string;
  type: string;
  status: Status;
  start_us: number;
  end_us: number | null;
  dur_us: number;
  first_token_us: number | null;
  model: string | null;
  provider: string | null;
  usage: Record<string, number> | null;
  usage_raw: Json;
  cost: number | null;
  input: Json;
  output: Json;
  metadata: Json;
  tags: string[];
  error: ErrorInfo | null;
  scores: Score[];
  attachments: Attachment[];
  truncated: Record<string, number>;
}
