/** Pages of rows, and what happens to them while the list is live. */

export interface Row {
  id: string;
  start_us: number;
}

export interface Page<R> {
  rows: R[];
  next: string | null;
  seq: number;
}

/** Known rows changed or gone, in place; nothing moves that did not change. What is new comes back beside it. */
export function applied<R extends Row>(
  pages: readonly Page<R>[],
  upserts: readonly R[],
  deleted: readonly string[],
): { pages: Page<R>[]; fresh: R[] } {
  const changed = new Map(upserts.map((row) => [row.id, row]));
  const gone = new Set(deleted);
  const next = pages.map((page) => {
    if (!page.rows.some((row) => changed.has(row.id) || gone.has(row.id))) return page;
    const rows = page.rows.filter((row) => !gone.has(row.id)).map((row) => changed.get(row.id) ?? row);
    return { ...page, rows };
  });
  for (const page of pages) for (const row of page.rows) changed.delete(row.id);
  return { pages: next, fresh: [...changed.values()] };
}

/** New rows at their place by time, newest first; what belongs to a page that is not loaded yet waits for it. */
export function inserted<R extends Row>(
  pages: readonly Page<R>[],
  fresh: readonly R[],
  hasMore: boolean,
): Page<R>[] {
  if (!fresh.length) return [...pages];
  const sorted = [...fresh].sort(newestFirst);
  let taken = 0;
  return pages.map((page, n) => {
    const isLast = n === pages.length - 1;
    const last = page.rows.at(-1);
    const own: R[] = [];
    while (taken < sorted.length) {
      const row = sorted[taken] as R;
      const isHere = !last || newestFirst(row, last) <= 0 || (isLast && !hasMore);
      if (!isHere) break;
      own.push(row);
      taken++;
    }
    return own.length ? { ...page, rows: [...page.rows, ...own].sort(newestFirst) } : page;
  });
}

/** Of rows that are new to a list, newest first, those that do not belong below what is loaded of it. */
export function inSight<R extends Row>(pages: readonly Page<R>[], fresh: readonly R[]): R[] {
  const last = pages.at(-1);
  const end = last?.next != null ? last.rows.at(-1) : undefined;
  return end ? fresh.filter((row) => newestFirst(row, end) <= 0) : [...fresh];
}

const newestFirst = (a: Row, b: Row) => b.start_us - a.start_us || (a.id < b.id ? 1 : -1);
