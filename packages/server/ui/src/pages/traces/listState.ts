import { flag, list, type State, text } from "../../model/url";

/** What the address of a list says. */
export const LIST_STATE = {
  q: text(),
  t: text(), // 24h, or from..to
  sort: text("-start"),
  cols: list(), // empty: those this browser used last, or the default
  live: flag(true),
  peek: text(), // what is in the drawer: a trace, or a span as trace.span
};

export type ListState = State<typeof LIST_STATE>;
export type SetListState = (patch: Partial<ListState>, how?: "push" | "replace") => void;
