/** What the dashboard draws, from what the server counted. */

import type { Metrics } from "../api/types";
import type { Series } from "./chart";

type Line = Metrics["series"][number];

const lines = (found: Metrics, metric: string, stat?: string): Line[] =>
  found.series.filter((line) => line.metric === metric && (stat === undefined || line.stat === stat));

const sumOf = (values: readonly (number | null)[]) =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** The sum of a metric over the whole range, all keys together. */
export const total = (found: Metrics, metric: string, stat: string): number =>
  sumOf(lines(found, metric, stat).flatMap((line) => line.v));

/** A series for each key, the largest first. */
export function byKey(found: Metrics, metric: string, stat: string): Series[] {
  return lines(found, metric, stat)
    .map((line) => ({ name: line.key || "(none)", values: line.v }))
    .sort((a, b) => sumOf(b.values) - sumOf(a.values));
}

/** A series for each statistic of a metric without groups: p50, p95, p99. */
export const byStat = (found: Metrics, metric: string): Series[] =>
  lines(found, metric).map((line) => ({ name: line.stat, values: line.v }));

export function okAndErrors(found: Metrics): Series[] {
  const all = lines(found, "count", "n")[0]?.v ?? [];
  const bad = lines(found, "errors", "n")[0]?.v ?? [];
  return [
    { name: "errors", values: bad, css: "series-error" },
    { name: "ok", values: all.map((n, at) => (n ?? 0) - (bad[at] ?? 0)), css: "series-count" },
  ];
}

/** Input without what came from the cache, the cached part, output: they add up to all tokens. */
export function tokenParts(found: Metrics): Series[] {
  const part = (stat: string) => lines(found, "tokens", stat)[0]?.v ?? [];
  const cached = part("cached");
  return [
    { name: "input", values: part("in").map((n, at) => Math.max(0, (n ?? 0) - (cached[at] ?? 0))) },
    { name: "cached input", values: cached },
    { name: "output", values: part("out") },
  ];
}

/** In and out together, by key. */
export function tokensByKey(found: Metrics): Series[] {
  const sums = new Map<string, number[]>();
  for (const line of lines(found, "tokens")) {
    if (line.stat === "cached") continue;
    const sum = sums.get(line.key) ?? line.v.map(() => 0);
    sums.set(
      line.key,
      sum.map((n, at) => n + (line.v[at] ?? 0)),
    );
  }
  return [...sums]
    .map(([key, values]) => ({ name: key || "(none)", values }))
    .sort((a, b) => sumOf(b.values) - sumOf(a.values));
}

/** Mean scores by name, and how many were given in all. */
export function scoreLines(found: Metrics): { series: Series[]; n: number } {
  const series = lines(found, "scores", "mean").map((line) => ({ name: line.key, values: line.v }));
  return { series, n: total(found, "scores", "n") };
}

export const hasValues = (series: readonly Series[]): boolean =>
  series.some((one) => one.values.some((value) => value !== null && value !== 0));
