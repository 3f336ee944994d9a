/** The filter above the tree: words, `type:llm`, `status:error`, `model:gpt`, and sizes `>2%` (of the trace) or `>500ms`. */

import type { SpanColumns } from "../api/types";
import { TRACE, type Tree } from "./tree";

const UNITS: Record<string, number> = { us: 1, µs: 1, ms: 1000, s: 1e6, m: 60e6 };
const SIZE = /^>(\d+(?:\.\d+)?)(%|us|µs|ms|s|m)$/;
const FIELD = /^(type|kind|status|model|name):(.+)$/;

type Test = (row: number) => boolean;

/** Places that match; null when nothing is asked. `inBodies`: rows the server found the text in. */
export function matchesOf(
  tree: Tree,
  cols: SpanColumns,
  totalUs: number,
  text: string,
  inBodies: ReadonlySet<number> | null = null,
): number[] | null {
  const parts = text.trim().split(/\s+/).filter(Boolean);
  if (!parts.length) return null;
  const tests = parts.map((part) => testOf(part, cols, totalUs));
  const found: number[] = [];
  for (let p = 0; p < tree.row.length; p++) {
    const row = tree.row[p] as number;
    if (row > TRACE && (inBodies?.has(row) || tests.every((test) => test(row)))) found.push(p);
  }
  return found;
}

function testOf(part: string, cols: SpanColumns, totalUs: number): Test {
  const size = SIZE.exec(part);
  if (size) {
    const least = Number(size[1]) * (size[2] === "%" ? totalUs / 100 : (UNITS[size[2] as string] ?? 1));
    return (row) => (cols.dur_us[row] as number) > least;
  }
  const field = FIELD.exec(part);
  const has = (value: string | null | undefined, word: string) =>
    value?.toLowerCase().includes(word) ?? false;
  if (field) {
    const key = field[1] === "kind" ? "type" : (field[1] as "type" | "status" | "model" | "name");
    const word = (field[2] as string).toLowerCase();
    return (row) => has(cols[key][row], word);
  }
  const word = part.toLowerCase();
  return (row) => has(cols.name[row], word) || has(cols.model[row], word) || has(cols.type[row], word);
}
