/** When things were: begin and end by place, the critical path, idle gaps, and the scale of the waterfall. */

import { TRACE, type Tree } from "./tree";

export interface Times {
  start: Float64Array; // by place, µs since the trace's first moment
  end: Float64Array;
  origin: number; // µs since the epoch
  total: number;
}

interface Timed {
  start_us: readonly number[];
  dur_us: readonly number[]; // -1 while it runs, and where no end came
  status: readonly string[];
}

/** `now`: where what still runs reaches to; what was interrupted reaches to the last moment anything is known of. The
 * trace is as long as whatever is in it. */
export function timesOf(tree: Tree, cols: Timed, traceStart: number, traceDur: number, now: number): Times {
  const size = tree.row.length;
  const start = new Float64Array(size);
  const end = new Float64Array(size);
  let origin = traceStart;
  for (const at of cols.start_us) origin = Math.min(origin, at);
  let known = traceStart + Math.max(traceDur, 0);
  for (let row = 0; row < cols.start_us.length; row++)
    known = Math.max(known, (cols.start_us[row] as number) + Math.max(cols.dur_us[row] as number, 0));
  let last = 0;
  for (let p = size - 1; p >= 0; p--) {
    const row = tree.row[p] as number;
    const begin = row >= 0 ? (cols.start_us[row] as number) : traceStart;
    const took = row >= 0 ? (cols.dur_us[row] as number) : row === TRACE ? traceDur || known - traceStart : 0;
    start[p] = begin - origin;
    const open = row >= 0 && cols.status[row] !== "running" ? known : Math.max(now, begin);
    end[p] = (took < 0 ? open : begin + took) - origin;
    last = Math.max(last, end[p] as number);
  }
  if (size > 1 && (tree.row[1] as number) === -2) spanOver(tree, 1, start, end);
  return { start, end, origin, total: Math.max(last, 1) };
}

/** A row that only groups reaches over what is in it. */
function spanOver(tree: Tree, place: number, start: Float64Array, end: Float64Array): void {
  let [from, to] = [Number.POSITIVE_INFINITY, 0];
  for (let p = place + 1; p < (tree.end[place] as number); p++) {
    from = Math.min(from, start[p] as number);
    to = Math.max(to, end[p] as number);
  }
  start[place] = from;
  end[place] = to;
}

/** The places the end of the trace waited for: from the end backwards, always the child that ended last. */
export function criticalPath(tree: Tree, times: Times): Uint8Array {
  const marked = new Uint8Array(tree.row.length);
  const children = childLists(tree, times);
  const stack: [place: number, until: number][] = [[0, times.end[0] as number]];
  while (stack.length) {
    const [place, until] = stack.pop() as [number, number];
    marked[place] = 1;
    let cursor = until;
    for (const child of children.get(place) ?? []) {
      const [from, to] = [times.start[child] as number, times.end[child] as number];
      if (from >= cursor) continue;
      const reached = Math.min(to, cursor);
      if (to <= cursor || cursor === until) {
        stack.push([child, reached]);
        cursor = from;
      }
    }
  }
  return marked;
}

/** Children by parent, those that end last first. */
function childLists(tree: Tree, times: Times): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (let p = 1; p < tree.row.length; p++) {
    const parent = tree.parent[p] as number;
    const known = children.get(parent);
    if (known) known.push(p);
    else children.set(parent, [p]);
  }
  for (const some of children.values())
    some.sort((a, b) => (times.end[b] as number) - (times.end[a] as number));
  return children;
}

export type Range = readonly [from: number, to: number];

const GAP_SHARE = 0.04;
const GAP_DRAWN = 0.012;

/** Stretches in which nothing but waiting parents ran, long enough to be worth leaving out. */
export function idleGaps(tree: Tree, times: Times): Range[] {
  const busy: [number, number][] = [];
  for (let p = 1; p < tree.row.length; p++)
    if (tree.end[p] === p + 1) busy.push([times.start[p] as number, times.end[p] as number]);
  busy.sort((a, b) => a[0] - b[0]);
  const gaps: Range[] = [];
  let reached = 0;
  const least = times.total * GAP_SHARE;
  for (const [from, to] of busy) {
    if (from - reached > least) gaps.push([reached, from]);
    reached = Math.max(reached, to);
  }
  if (busy.length && times.total - reached > least) gaps.push([reached, times.total]);
  return gaps;
}

/** Moments to shares of the width, 0 to 1, and back; idle gaps are drawn short. */
export interface Scale {
  range: Range;
  at: (us: number) => number;
  back: (share: number) => number;
}

export function scaleOf(range: Range, gaps: readonly Range[] = []): Scale {
  const [from, to] = range;
  const stops: [us: number, drawn: number][] = [[from, 0]];
  const drawnGap = (to - from) * GAP_DRAWN;
  let [us, drawn] = [from, 0];
  const reach = (next: number, length: number) => {
    drawn += length;
    us = next;
    stops.push([us, drawn]);
  };
  for (const gap of gaps) {
    const [begin, end] = [Math.max(gap[0], from), Math.min(gap[1], to)];
    if (end - begin <= drawnGap) continue;
    reach(begin, begin - us);
    reach(end, drawnGap);
  }
  reach(to, to - us);
  const whole = Math.max(drawn, 1e-9);
  return {
    range,
    at: (moment) => between(stops, moment, 0) / whole,
    back: (share) => between(stops, share * whole, 1),
  };
}

/** Piecewise linear from one side of the stops to the other, going on outside at the rate of the whole. */
function between(stops: [number, number][], value: number, side: 0 | 1): number {
  const other = side === 0 ? 1 : 0;
  const [low, high] = [stops[0] as [number, number], stops.at(-1) as [number, number]];
  if (value <= low[side] || value >= high[side]) {
    const rate = (high[other] - low[other]) / Math.max(high[side] - low[side], 1e-9);
    return value <= low[side]
      ? low[other] + (value - low[side]) * rate
      : high[other] + (value - high[side]) * rate;
  }
  const n = stops.findIndex((stop) => stop[side] >= value);
  const [a, b] = [stops[n - 1] as [number, number], stops[n] as [number, number]];
  return a[other] + ((value - a[side]) / Math.max(b[side] - a[side], 1e-9)) * (b[other] - a[other]);
}

const CLOCK_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
];

/** Round moments for the axis: decimal below a second, as on a clock above. */
export function axisTicks(scale: Scale, most: number): number[] {
  const [from, to] = scale.range;
  const rough = (to - from) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const decimal = ([1, 2, 5, 10].find((lead) => lead * power >= rough) ?? 10) * power;
  const clock = CLOCK_S.map((s) => s * 1e6).find((us) => us >= rough);
  const step = rough < 1e6 ? decimal : (clock ?? Math.ceil(rough / 86_400e6) * 86_400e6);
  const ticks: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) ticks.push(t);
  return ticks;
}

/** A moment on the axis, without digits that are all zero. */
export function tickLabel(us: number): string {
  if (us === 0) return "0";
  if (us < 1000) return `${us} µs`;
  if (us < 1e6) return `${us / 1000} ms`;
  if (us < 60e6) return `${Number((us / 1e6).toFixed(3))} s`;
  const seconds = Math.round(us / 1e6);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return [h && `${h} h`, m && `${m} min`, s && `${s} s`].filter(Boolean).join(" ");
}
