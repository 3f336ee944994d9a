/**
 * A trace's spans as a tree in flat arrays. A *row* is an index into the server's columns; TRACE and MISSING are rows of
 * our own. A *place* is a position in the tree read from top to bottom; place 0 is the trace. Everything is linear
 * and without recursion: a chain may be 30,000 deep.
 */

export const TRACE = -1;
export const MISSING = -2; // above spans whose parent is not there
export const ORPHAN = 1;
export const CUT = 2;

export interface Tree {
  row: Int32Array; // by place
  depth: Int32Array; // by place
  parent: Int32Array; // by place: the parent's place, -1 for the trace
  end: Int32Array; // by place: the first place after what is under it
  place: Int32Array; // by row of the columns
}

export function buildTree(parents: readonly number[], flags: readonly number[] = []): Tree {
  const n = parents.length;
  const hasMissing = parents.some((parent, row) => isOrphan(parent, flags[row] ?? 0, n));
  const first = new Int32Array(n + 2).fill(-1); // by node: a row, n for the trace, n + 1 for the missing parent
  const next = new Int32Array(n + 2).fill(-1);
  for (let row = n - 1; row >= 0; row--) {
    const parent = parents[row] as number;
    const node = isOrphan(parent, flags[row] ?? 0, n) ? n + 1 : parent < 0 ? n : parent;
    next[row] = first[node] as number;
    first[node] = row;
  }
  const size = n + 1 + (hasMissing ? 1 : 0);
  if (hasMissing) {
    next[n + 1] = first[n] as number;
    first[n] = n + 1;
  }
  return walk(first, next, n, size);
}

const isOrphan = (parent: number, flag: number, n: number) =>
  (parent < 0 && (flag & ORPHAN) !== 0) || parent >= n;

function walk(first: Int32Array, next: Int32Array, n: number, size: number): Tree {
  const tree: Tree = {
    row: new Int32Array(size),
    depth: new Int32Array(size),
    parent: new Int32Array(size).fill(-1),
    end: new Int32Array(size),
    place: new Int32Array(n),
  };
  const nodes = new Int32Array(size + 1);
  const above = new Int32Array(size + 1);
  let top = 0;
  nodes[top] = n;
  above[top++] = -1;
  let place = 0;
  while (top > 0) {
    const node = nodes[--top] as number;
    const parent = above[top] as number;
    if (next[node] !== -1 && parent >= 0) {
      nodes[top] = next[node] as number; // its sibling comes after everything under it
      above[top++] = parent;
    }
    tree.row[place] = node < n ? node : n - 1 - node;
    if (node < n) tree.place[node] = place;
    tree.parent[place] = parent;
    tree.depth[place] = parent < 0 ? 0 : (tree.depth[parent] as number) + 1;
    if (first[node] !== -1) {
      nodes[top] = first[node] as number;
      above[top++] = place;
    }
    place++;
  }
  for (let p = size - 1; p >= 0; p--) {
    tree.end[p] = Math.max(tree.end[p] as number, p + 1);
    const parent = tree.parent[p] as number;
    if (parent >= 0) tree.end[parent] = Math.max(tree.end[parent] as number, tree.end[p] as number);
  }
  return tree;
}

export const hasChildren = (tree: Tree, place: number) => (tree.end[place] as number) > place + 1;

/** What is to be seen from top to bottom: what is under a closed place is not, nor what `keep` leaves out. */
export function visible(tree: Tree, closed: Uint8Array, keep: Uint8Array | null): Int32Array {
  const seen = new Int32Array(tree.row.length);
  let n = 0;
  for (let p = 0; p < tree.row.length; ) {
    if (keep && !keep[p]) {
      p = tree.end[p] as number; // what is kept has its ancestors kept
    } else {
      seen[n++] = p;
      p = closed[p] && !keep ? (tree.end[p] as number) : p + 1;
    }
  }
  return seen.slice(0, n);
}

/** The matches and all that is above them. */
export function withAncestors(tree: Tree, matches: Iterable<number>): Uint8Array {
  const keep = new Uint8Array(tree.row.length);
  for (let place of matches) {
    while (place >= 0 && !keep[place]) {
      keep[place] = 1;
      place = tree.parent[place] as number;
    }
  }
  return keep;
}

/** Which place comes `step` after one in what is seen; what is not seen counts from its nearest seen ancestor. */
export function indexOfPlace(seen: Int32Array, place: number): number {
  let [low, high] = [0, seen.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((seen[middle] as number) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The next of some places after (or before) one, around the end. */
export function nextOf(places: readonly number[], from: number, step: 1 | -1): number | undefined {
  if (!places.length) return undefined;
  if (step > 0) return places.find((p) => p > from) ?? places[0];
  return places.findLast((p) => p < from) ?? places.at(-1);
}

export interface Totals {
  errors: Int32Array;
  tin: Float64Array;
  tout: Float64Array;
  cost: Float64Array; // NaN where nothing under it has a price
}

interface Counted {
  status: readonly string[];
  tin: readonly (number | null)[];
  tout: readonly (number | null)[];
  cost: readonly (number | null)[];
}

/** Sums over each place and all under it. */
export function totals(tree: Tree, cols: Counted): Totals {
  const size = tree.row.length;
  const sums: Totals = {
    errors: new Int32Array(size),
    tin: new Float64Array(size),
    tout: new Float64Array(size),
    cost: new Float64Array(size).fill(Number.NaN),
  };
  for (let p = size - 1; p >= 0; p--) {
    const row = tree.row[p] as number;
    if (row >= 0) {
      if (cols.status[row] === "error") sums.errors[p] = (sums.errors[p] as number) + 1;
      sums.tin[p] = (sums.tin[p] as number) + (cols.tin[row] ?? 0);
      sums.tout[p] = (sums.tout[p] as number) + (cols.tout[row] ?? 0);
      sums.cost[p] = added(sums.cost[p] as number, cols.cost[row] ?? Number.NaN);
    }
    const parent = tree.parent[p] as number;
    if (parent < 0) continue;
    sums.errors[parent] = (sums.errors[parent] as number) + (sums.errors[p] as number);
    sums.tin[parent] = (sums.tin[parent] as number) + (sums.tin[p] as number);
    sums.tout[parent] = (sums.tout[parent] as number) + (sums.tout[p] as number);
    sums.cost[parent] = added(sums.cost[parent] as number, sums.cost[p] as number);
  }
  return sums;
}

const added = (a: number, b: number) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : a + b);
