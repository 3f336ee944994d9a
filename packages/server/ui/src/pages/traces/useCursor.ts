import { useCallback, useRef, useState } from "react";
import type { ListRow } from "./column";

/** Which row and cell the keys are at: kept by id, so that rows that come in do not move it. */
export function useCursor<R extends ListRow>(
  rows: R[],
  from: { id: string | undefined; column: number | undefined },
) {
  const [at, setAt] = useState({ id: from.id ?? "", column: from.column ?? 1 });
  const found = rows.findIndex((row) => row.id === at.id);
  const lastRow = useRef(0);
  if (found >= 0) lastRow.current = found;
  const row = found >= 0 ? found : Math.min(at.id ? lastRow.current : 0, Math.max(rows.length - 1, 0));
  const now = useRef(rows);
  now.current = rows;
  const set = useCallback((next: { row: number; column: number }) => {
    setAt({ id: now.current[next.row]?.id ?? "", column: next.column });
  }, []);
  const go = (to: number): R | undefined => {
    const next = rows[Math.min(Math.max(to, 0), rows.length - 1)];
    if (next) setAt({ id: next.id, column: at.column });
    return next;
  };
  return { active: { row, column: at.column }, current: rows[row], go, set };
}

/** The ids from one row to another, in either direction. */
export function between(rows: ListRow[], a: string | null, b: string): string[] {
  const [from, to] = [rows.findIndex((row) => row.id === a), rows.findIndex((row) => row.id === b)];
  if (from < 0 || to < 0) return [b];
  return rows.slice(Math.min(from, to), Math.max(from, to) + 1).map((row) => row.id);
}
