/** How numbers read: short, and the same width where they stand in columns. */

export function duration(us: number): string {
  if (us < 0) return "…";
  if (us < 1000) return `${us} µs`;
  if (us < 1_000_000) return `${round3(us / 1000)} ms`;
  if (us < 60_000_000) return `${round3(us / 1e6)} s`;
  const seconds = Math.round(us / 1e6);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** How long a span or trace took; of what its dead process never ended nobody knows. */
export function lasted({ dur_us, status }: { dur_us: number; status: string }): string {
  if (status === "running") return "running";
  return dur_us < 0 || (status === "interrupted" && dur_us === 0) ? "no end" : duration(dur_us);
}

function round3(n: number): string {
  return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

export function count(n: number): string {
  if (n < 10_000) return n.toLocaleString("en");
  return n < 1_000_000 ? `${(n / 1000).toFixed(1)}k` : `${(n / 1e6).toFixed(2)}M`;
}

export function cost(usd: number | null): string {
  if (usd === null) return "";
  if (usd === 0) return "$0";
  if (usd < 0.000_001) return "<$0.000001";
  return usd < 0.01
    ? `$${Number(usd.toPrecision(2)).toFixed(6).replace(/0+$/, "")}`
    : `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

export function bytes(n: number): string {
  return n < 1024
    ? `${n} bytes`
    : n < 1_048_576
      ? `${(n / 1024).toFixed(0)} KB`
      : `${(n / 1_048_576).toFixed(1)} MB`;
}

export function scoreText(score: { value: number | boolean | null; label: string | null }): string {
  const value = score.value === null ? "" : String(score.value);
  return score.label !== null && value ? `${value} (${score.label})` : (score.label ?? value);
}

interface Clock {
  zone: string | undefined; // undefined: the browser's
  time: Intl.DateTimeFormat;
  day: Intl.DateTimeFormat;
  date: Intl.DateTimeFormat; // to tell days apart
}

const clockOf = (zone: string | undefined): Clock => ({
  zone,
  time: new Intl.DateTimeFormat([], {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
    timeZone: zone,
  }),
  day: new Intl.DateTimeFormat([], { month: "short", day: "2-digit", timeZone: zone }),
  date: new Intl.DateTimeFormat("en-CA", { timeZone: zone }),
});

let clock = clockOf(undefined);

/** Show times of this zone from now on; undefined is the browser's own. */
export function setZone(zone: string | undefined): void {
  clock = clockOf(zone);
}

export const zoneShown = (): string | undefined => clock.zone;

/** The time of day, with the date when it is not today's. */
export function when(us: number, now: Date = new Date()): string {
  const date = new Date(us / 1000);
  const time = clock.time.format(date);
  return clock.date.format(date) === clock.date.format(now) ? time : `${clock.day.format(date)} ${time}`;
}

export function fullTime(us: number): string {
  return `${new Date(us / 1000).toISOString().slice(0, 23).replace("T", " ")} UTC`;
}

export function ago(us: number, nowMs: number = Date.now()): string {
  const seconds = Math.max(0, Math.round((nowMs - us / 1000) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}
