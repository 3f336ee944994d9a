// What the server answers, by its OpenAPI (`make ui-types`). Times are microseconds since the epoch.
import type { components } from "./schema";

type Schemas = components["schemas"];

/** OpenAPI says "anything" for values users recorded; they are JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type WithJson<T, K extends keyof T> = Omit<T, K> & { [P in K]: Json };

export type Status = Schemas["TraceRow"]["status"];
export type Project = Schemas["Project"];
export type ScoreValue = Schemas["ScoreValue"];
export type Score = Schemas["GivenScore"];
export type ErrorInfo = Schemas["ErrorInfo"];
export type Attachment = Schemas["Attachment"];
export type ClientReport = Schemas["Client"];
export type Meta = Schemas["Meta"];

export type TraceRow = Omit<Schemas["TraceRow"], "fields"> & { fields?: { [key: string]: Json } | null };
export type TracePage = Omit<Schemas["TracePage"], "rows"> & { rows: TraceRow[] };
export type TraceDelta = Omit<Schemas["TraceDelta"], "upserts"> & { upserts: TraceRow[] };
export type SpanRow = Omit<Schemas["SpanRow"], "fields"> & { fields?: { [key: string]: Json } | null };
export type SpanPage = Omit<Schemas["SpanPage"], "rows"> & { rows: SpanRow[] };
export type Count = Schemas["Count"];
export type Histogram = Schemas["Histogram"];
export type Job = Schemas["Job"];
export type FieldInfo = Schemas["FieldInfo"];
export type ValueInfo = Schemas["ValueInfo"];
export type QueryFault = Schemas["QueryFault"];
export type Parsed = Schemas["Parsed"];
export type SavedView = Schemas["SavedView"];

type Body = "input" | "output" | "metadata";
export type SpanColumns = Omit<Schemas["SpanColumns"], "tcached">;
export type SpanFigures = Schemas["SpanFigures"];
export type Figures = Schemas["Figures"];
export type Trace = Omit<WithJson<Schemas["Trace"], Body>, "messages"> & { messages: Message[] | null };
export type TraceDetail = Omit<Schemas["TraceDetail"], "trace" | "cols"> & {
  trace: Trace;
  cols: SpanColumns;
};
export type Skeleton = Omit<Schemas["Skeleton"], "trace"> & { trace: Trace };
/** `hasFigures`: else models, tokens, costs and first tokens are on their way. */
export type LoadedTrace = TraceDetail & { hasFigures: boolean };
export type Part = WithJson<Schemas["Part"], "args">;
export type Message = Omit<Schemas["Message"], "parts"> & { parts: Part[] };
export type SpanDetail = Omit<WithJson<Schemas["SpanDetail"], Body | "usage_raw">, "messages" | "params"> & {
  messages: Message[] | null;
  params: { [key: string]: Json } | null;
};
export type Metrics = Schemas["Metrics"];
export type TopRow = Schemas["TopRow"];
export type ThreadRow = Schemas["ThreadRow"];
export type ThreadPage = Schemas["ThreadPage"];
export type Turn = WithJson<Schemas["Turn"], "input" | "output">;
export type Thread = Omit<Schemas["Thread"], "turns"> & { turns: Turn[] };
export type Compared = Schemas["Compared"];
export type CompareRow = Schemas["CompareRow"];
export type Totals = Schemas["Totals"];
export type KnownScore = Schemas["Score"];
export type Comment = Schemas["Comment"];
export type NewComment = Schemas["NewComment"];
export type NewScore = Schemas["NewScore"];
export type ScoreDef = Schemas["ScoreDef"];
export type Settings = Schemas["Settings"];
export type Session = Schemas["Session"];
export type KnownKey = Schemas["KnownKey"];
export type MadeKey = Schemas["MadeKey"];
export type NewKey = Schemas["NewKey"];
export type Retention = Schemas["Retention"];
export type Price = Schemas["Price"];
