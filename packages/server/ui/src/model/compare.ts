/** Two traces as one tree: which rows to show, how deep they are, and what they tell. */

import type { CompareRow, SpanColumns } from "../api/types";

/** By row; parents come before children. */
export function depthsOf(rows: readonly CompareRow[]): number[] {
  const depths: number[] = [];
  for (const row of rows) depths.push(row.parent < 0 ? 0 : (depths[row.parent] ?? 0) + 1);
  return depths;
}

/** Indexes of rows that differ, with the rows above them. */
export function differing(rows: readonly CompareRow[]): number[] {
  const keep = new Set<number>();
  rows.forEach((row, at) => {
    if (row.state === "same") return;
    for (let n = at; n >= 0 && !keep.has(n); n = rows[n]?.parent ?? -1) keep.add(n);
  });
  return [...keep].sort((a, b) => a - b);
}

/** The next row after `from` that differs, in either direction; null past the last. */
export function nextDifference(rows: readonly CompareRow[], from: number, step: 1 | -1): number | null {
  for (let at = from + step; at >= 0 && at < rows.length; at += step)
    if (rows[at]?.state !== "same") return at;
  return null;
}

/** The row a span is in, of either side. */
export function rowOfSpan(rows: readonly CompareRow[], a: SpanColumns, b: SpanColumns, id: string): number {
  return rows.findIndex(
    (row) => (row.a !== null && a.id[row.a] === id) || (row.b !== null && b.id[row.b] === id),
  );
}

/** `+1.2 s`, `−3`: B against A; nothing where both are the same or one is not known. */
export function delta(a: number | null, b: number | null, format: (value: number) => string): string {
  if (a === null || b === null || a === b) return "";
  return `${b > a ? "+" : "−"}${format(Math.abs(b - a))}`;
}
