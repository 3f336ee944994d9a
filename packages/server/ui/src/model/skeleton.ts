/** A trace as `/skeleton` sends it: ids are endings, just long enough; parents and starts are differences. */

import type { LoadedTrace, Skeleton, SpanFigures } from "../api/types";

/** The page of rows that begins at `after`, with parents and starts as they are. */
export function opened({ cols, figures, ...found }: Skeleton, after = 0): LoadedTrace {
  const { digits, ids, up, step_us, ...rest } = cols;
  let at = 0;
  return {
    ...found,
    cols: {
      ...rest,
      ...(figures ?? unknown(up.length)),
      id: up.map((_, row) => ids.slice(row * digits, (row + 1) * digits)),
      parent: up.map((rows, row) => (rows === 0 ? -1 : after + row - rows)),
      start_us: step_us.map((step) => {
        at += step;
        return at;
      }),
    },
    hasFigures: figures !== null,
  };
}

const unknown = (rows: number): SpanFigures => {
  const none = new Array<null>(rows).fill(null);
  return { model: none, tin: none, tout: none, cost: none, ttft_us: none };
};

/** With the figures of the same rows. */
export const completed = (found: LoadedTrace, figures: SpanFigures): LoadedTrace => ({
  ...found,
  cols: { ...found.cols, ...figures },
  hasFigures: true,
});

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
