/** Pages of rows, and what happens to them while the list is live. */

import type { TracePage, TraceRow } from "../api/types";

/** Known rows are replaced in place, newer ones come first; what belongs to a page not loaded yet is left out. */
export function merged(pages: TracePage[], upserts: TraceRow[], seq: number, hasMore: boolean): TracePage[] {
  const changed = new Map(upserts.map((row) => [row.id, row]));
  const replaced = pages.map((page) => ({
    ...page,
    seq,
    rows: page.rows.map((row) => {
      const found = changed.get(row.id);
      changed.delete(row.id);
      return found ?? row;
    }),
  }));
  const all = replaced.flatMap((page) => page.rows);
  const last = all.at(-1);
  const fresh = [...changed.values()].filter((row) => !last || !hasMore || row.start_us > last.start_us);
  if (!fresh.length) return replaced;
  const rows = [...all, ...fresh].sort((a, b) => b.start_us - a.start_us || (a.id < b.id ? 1 : -1));
  return replaced.map((page, n) => ({
    ...page,
    rows: n === 0 ? rows.slice(0, rows.length - all.length + page.rows.length) : page.rows,
    ...(n > 0 && {
      rows: rows.slice(
        fresh.length + offset(replaced, n),
        fresh.length + offset(replaced, n) + page.rows.length,
      ),
    }),
  }));
}

function offset(pages: TracePage[], n: number): number {
  return pages.slice(0, n).reduce((sum, page) => sum + page.rows.length, 0);
}
