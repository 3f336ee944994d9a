/** Scales and marks of charts: pure, in pixels. */

import { zoneShown } from "./format";

export interface Series {
  name: string;
  values: (number | null)[];
  css?: string; // a class for its colour; by position otherwise
}

export function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = value / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

/** Each series on top of those before it: [low, high] per point; a gap stays null. */
export function stacked(series: Series[]): ([number, number] | null)[][] {
  const heights = new Array<number>(series[0]?.values.length ?? 0).fill(0);
  return series.map((one) =>
    one.values.map((value, n) => {
      if (value === null) return null;
      const low = heights[n] as number;
      heights[n] = low + value;
      return [low, low + value];
    }),
  );
}

export function topOf(series: Series[], isStacked: boolean): number {
  const all = isStacked
    ? stacked(series).flatMap((one) => one.map((pair) => pair?.[1] ?? 0))
    : series.flatMap((one) => one.values.map((value) => value ?? 0));
  return niceTop(all.reduce((a, b) => Math.max(a, b), 0));
}

/** An SVG path through the points; a null lifts the pen. */
export function linePath(values: (number | null)[], width: number, height: number, top: number): string {
  const step = width / Math.max(values.length, 1);
  let path = "";
  let isDown = false;
  values.forEach((value, n) => {
    if (value === null) {
      isDown = false;
      return;
    }
    const x = (n + 0.5) * step;
    const y = height - (value / top) * height;
    path += `${isDown ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    isDown = true;
  });
  return path;
}

/** Moments for an axis, on round local times, at most `most`. */
export function timeTicks(fromUs: number, toUs: number, most: number): number[] {
  const steps = [
    1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000, 604_800,
    1_209_600, 2_592_000,
  ];
  const span = (toUs - fromUs) / 1e6;
  const step = (steps.find((s) => span / s <= most) ?? Math.ceil(span / most / 86_400) * 86_400) * 1e6;
  const zone = zoneShown() === "UTC" ? 0 : new Date(fromUs / 1000).getTimezoneOffset() * 60e6;
  const ticks: number[] = [];
  for (let t = Math.ceil((fromUs - zone) / step) * step + zone; t < toUs; t += step) ticks.push(t);
  return ticks;
}

export function tickText(us: number, spanUs: number): string {
  const date = new Date(us / 1000);
  const isDay = spanUs > 2 * 86_400e6;
  if (isDay) return date.toLocaleDateString([], { month: "short", day: "numeric", timeZone: zoneShown() });
  const parts: Intl.DateTimeFormatOptions = {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
    timeZone: zoneShown(),
  };
  return date.toLocaleTimeString([], spanUs < 600e6 ? { ...parts, second: "2-digit" } : parts);
}
