import { useEffect, useMemo, useState } from "react";
import type { TraceDetail } from "../../api/types";
import { criticalPath, idleGaps, type Range, scaleOf, timesOf } from "../../model/time";
import { buildTree, totals, visible, withAncestors } from "../../model/tree";
import { matchesOf } from "../../model/treeFilter";

const OPEN_WHOLE = 500; // spans; larger traces open at their first two levels
const OPEN_DEPTH = 2;
const TICK_MS = 250;

export interface TreeOptions {
  filter: string;
  inBodies: ReadonlySet<number> | null;
  zoom: Range | null;
  isPath: boolean;
  isSqueezed: boolean;
}

/** Everything the tree shows, derived from the columns step by step, each step only when what it needs changed. */
export function useTraceModel(found: TraceDetail, options: TreeOptions, nowOffset: number) {
  const { cols, trace } = found;
  const tree = useMemo(() => buildTree(cols.parent, cols.flags), [cols.parent, cols.flags]);
  const sums = useMemo(() => totals(tree, cols), [tree, cols]);
  const isRunning = trace.status === "running" || cols.status.includes("running");
  const now = useNow(isRunning, nowOffset);
  const times = useMemo(
    () => timesOf(tree, cols, trace.start_us, trace.dur_us, now),
    [tree, cols, trace.start_us, trace.dur_us, now],
  );
  const folds = useFolds(tree, cols.id);
  const matches = useMemo(
    () => matchesOf(tree, cols, times.total, options.filter, options.inBodies),
    [tree, cols, times.total, options.filter, options.inBodies],
  );
  const keep = useMemo(() => (matches ? withAncestors(tree, matches) : null), [tree, matches]);
  const seen = useMemo(() => visible(tree, folds.closed, keep), [tree, folds.closed, keep]);
  const errors = useMemo(() => {
    const places: number[] = [];
    for (let p = 1; p < tree.row.length; p++)
      if (cols.status[tree.row[p] as number] === "error") places.push(p);
    return places;
  }, [tree, cols.status]);
  const path = useMemo(
    () => (options.isPath ? criticalPath(tree, times) : null),
    [tree, times, options.isPath],
  );
  const gaps = useMemo(
    () => (options.isSqueezed ? idleGaps(tree, times) : []),
    [tree, times, options.isSqueezed],
  );
  const scale = useMemo(
    () => scaleOf(options.zoom ?? [0, times.total], gaps),
    [options.zoom, times.total, gaps],
  );
  return useMemo(
    () => ({ tree, sums, times, folds, matches, seen, errors, path, scale, gaps, isRunning }),
    [tree, sums, times, folds, matches, seen, errors, path, scale, gaps, isRunning],
  );
}

export type TraceModel = ReturnType<typeof useTraceModel>;

/** Which places are closed. Kept by span id, so that spans which arrive change nothing that was opened or closed. */
function useFolds(tree: ReturnType<typeof buildTree>, ids: string[]) {
  const [level, setLevel] = useState(() => (ids.length > OPEN_WHOLE ? OPEN_DEPTH : Number.POSITIVE_INFINITY));
  const [turned, setTurned] = useState<ReadonlyMap<string, boolean>>(new Map()); // id to closed
  const closed = useMemo(() => {
    const flags = new Uint8Array(tree.row.length);
    for (let p = 0; p < flags.length; p++) {
      if (tree.end[p] === p + 1) continue;
      const own = turned.get(ids[tree.row[p] as number] ?? String(tree.row[p]));
      flags[p] = (own ?? (tree.depth[p] as number) >= level) ? 1 : 0;
    }
    return flags;
  }, [tree, turned, level, ids]);
  return useMemo(() => {
    const idOf = (place: number) => ids[tree.row[place] as number] ?? String(tree.row[place]);
    return {
      closed,
      level,
      turn: (place: number, isClosed: boolean) => setTurned(new Map(turned).set(idOf(place), isClosed)),
      /** Open all that is above a place. */
      reveal: (place: number) => {
        const next = new Map(turned);
        for (let p = tree.parent[place] as number; p >= 0; p = tree.parent[p] as number)
          if (closed[p]) next.set(idOf(p), false);
        if (next.size !== turned.size || [...next].some(([id, is]) => turned.get(id) !== is)) setTurned(next);
      },
      toLevel: (depth: number) => {
        setTurned(new Map());
        setLevel(depth);
      },
    };
  }, [tree, ids, closed, level, turned]);
}

/** The server's time in microseconds, moving while something runs. */
function useNow(isMoving: boolean, offset: number): number {
  const [now, setNow] = useState(() => Date.now() * 1000 + offset);
  useEffect(() => {
    if (!isMoving) return;
    const timer = setInterval(() => setNow(Date.now() * 1000 + offset), TICK_MS);
    return () => clearInterval(timer);
  }, [isMoving, offset]);
  return now;
}
