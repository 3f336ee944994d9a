/** The time range of a list: back from now (`24h`), from and to (`from..to`, µs), or all. */

export interface Bounds {
  from: string | null;
  to: string | null;
}

export const PRESETS: readonly [value: string, label: string][] = [
  ["", "All time"],
  ["15m", "Last 15 min"],
  ["1h", "Last hour"],
  ["6h", "Last 6 h"],
  ["24h", "Last 24 h"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
];

const BACK = /^\d+[smhdw]$/;
const BETWEEN = /^(\d+)\.\.(\d+)$/;

/** As the server's `from` and `to`; what is no range is all. */
export function boundsOf(t: string): Bounds {
  if (BACK.test(t)) return { from: `-${t}`, to: null };
  const found = BETWEEN.exec(t);
  return found ? { from: found[1] as string, to: found[2] as string } : { from: null, to: null };
}

export const isRelative = (t: string): boolean => !BETWEEN.test(t);

export function rangeLabel(t: string, show: (us: number) => string): string {
  const preset = PRESETS.find(([value]) => value === t);
  if (preset) return preset[1];
  const found = BETWEEN.exec(t);
  return found
    ? `${show(Number(found[1]))} – ${show(Number(found[2]))}`
    : BACK.test(t)
      ? `Last ${t}`
      : "All time";
}
