/** Spans as the server sends them by `compact`: ids are endings, just long enough; starts are differences. */

import type { TraceDetail } from "../api/types";

/** With starts as moments again. */
export function opened(found: TraceDetail): TraceDetail {
  let at = 0;
  const starts = found.cols.start_us.map((step) => {
    at += step;
    return at;
  });
  return { ...found, cols: { ...found.cols, start_us: starts } };
}

const plain = (id: string) => id.replaceAll("-", "");

/** Whether one id is the other, or an ending of it. */
export const isSameSpan = (id: string, other: string): boolean => {
  const [a, b] = [plain(id), plain(other)];
  return a.endsWith(b) || b.endsWith(a);
};

/** The row of a span (rows' ids have no hyphens), asked by its id or an ending of it; -1 when it is not there. */
export function rowOfSpan(ids: readonly string[], wanted: string): number {
  const asked = plain(wanted);
  return asked ? ids.findIndex((id) => asked.endsWith(id) || id.endsWith(asked)) : -1;
}
