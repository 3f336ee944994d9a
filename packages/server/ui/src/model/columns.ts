/** Which columns a list shows, in which order, how wide and pinned: `^name:240` in the address. */

export interface ShownColumn {
  id: string;
  width: number | null; // null: as wide as it is made
  isPinned: boolean;
}

const ENTRY = /^(\^?)(.+?)(?::(\d{2,4}))?$/;

export function readColumns(entries: readonly string[]): ShownColumn[] {
  const seen = new Set<string>();
  return entries.flatMap((entry) => {
    const found = ENTRY.exec(entry);
    const id = found?.[2];
    if (!id || seen.has(id)) return [];
    seen.add(id);
    return [{ id, width: found[3] ? Number(found[3]) : null, isPinned: found[1] === "^" }];
  });
}

export const writeColumns = (columns: readonly ShownColumn[]): string[] =>
  columns.map(({ id, width, isPinned }) => `${isPinned ? "^" : ""}${id}${width ? `:${width}` : ""}`);

/** Pinned ones first, each group in its order. */
export const inOrder = (columns: readonly ShownColumn[]): ShownColumn[] => [
  ...columns.filter((column) => column.isPinned),
  ...columns.filter((column) => !column.isPinned),
];

export function moved(columns: readonly ShownColumn[], id: string, by: number): ShownColumn[] {
  const from = columns.findIndex((column) => column.id === id);
  const to = Math.min(Math.max(from + by, 0), columns.length - 1);
  if (from < 0 || from === to) return [...columns];
  const next = [...columns];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}
