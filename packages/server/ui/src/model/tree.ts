import type { SpanColumns } from "../api/types";

/** A line of the tree: a span's row index, or -1 for the trace itself. */
export interface Line {
  index: number;
  depth: number;
  hasChildren: boolean;
  position: number; // among its siblings, from 1
  siblings: number;
}

/** Children by parent row; the server has cut circles, -1 is the trace. */
export function childrenOf(parent: number[]): Map<number, number[]> {
  const children = new Map<number, number[]>();
  parent.forEach((to, index) => {
    const known = children.get(to);
    if (known) known.push(index);
    else children.set(to, [index]);
  });
  return children;
}

/** What is to be seen, top to bottom, the trace first. Without recursion: a chain may be thousands deep. */
export function visibleLines(parent: number[], collapsed: ReadonlySet<number>): Line[] {
  const children = childrenOf(parent);
  const lines: Line[] = [];
  const stack: Line[] = [{ index: -1, depth: 0, hasChildren: children.has(-1), position: 1, siblings: 1 }];
  for (let line = stack.pop(); line; line = stack.pop()) {
    lines.push(line);
    const below = collapsed.has(line.index) ? [] : (children.get(line.index) ?? []);
    for (let n = below.length - 1; n >= 0; n--) {
      const index = below[n] as number;
      stack.push({
        index,
        depth: line.depth + 1,
        hasChildren: children.has(index),
        position: n + 1,
        siblings: below.length,
      });
    }
  }
  return lines;
}

/** Where a bar begins and how long it is, in shares of the whole, never thinner than a hair. */
export function bar(
  start: number,
  duration: number,
  from: number,
  total: number,
): { left: number; width: number } {
  const whole = Math.max(total, 1);
  const left = Math.min(Math.max((start - from) / whole, 0), 1);
  return { left, width: Math.min(Math.max(duration / whole, 0.003), 1 - left + 0.003) };
}

/** Begin and length of the whole picture; what still runs reaches to `now`. */
export function extent(
  cols: SpanColumns,
  start: number,
  length: number,
  now: number,
): { from: number; total: number } {
  let from = start;
  let to = start + (length < 0 ? Math.max(now - start, 0) : length);
  cols.start_us.forEach((begin, n) => {
    from = Math.min(from, begin);
    const took = cols.dur_us[n] as number;
    to = Math.max(to, took < 0 ? Math.max(now, begin) : begin + took);
  });
  return { from, total: Math.max(to - from, 1) };
}
