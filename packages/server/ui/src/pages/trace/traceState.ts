import { choice, flag, type State, span, text } from "../../model/url";

/** What the address of a trace says. */
export const TRACE_STATE = {
  span: text(),
  tab: text(),
  q: text(), // the filter of the tree
  zoom: span(), // µs from the trace's first moment
  view: choice(["waterfall", "tree"], "waterfall"),
  path: flag(),
  squeeze: flag(),
};

export type TraceState = State<typeof TRACE_STATE>;
export type SetTraceState = (patch: Partial<TraceState>, how?: "push" | "replace") => void;
