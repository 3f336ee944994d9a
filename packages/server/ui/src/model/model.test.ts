import { describe, expect, it } from "vitest";
import type { TraceRow } from "../api/types";
import { ago, bytes, cost, count, duration, scoreText } from "./format";
import { applied, inSight, inserted } from "./rows";

describe("numbers read short", () => {
  it("durations choose their unit", () => {
    expect([-1, 7, 1500, 250_000, 2_345_678, 125_000_000, 3_725_000_000].map(duration)).toEqual([
      "…",
      "7 µs",
      "1.50 ms",
      "250 ms",
      "2.35 s",
      "2 min 5 s",
      "1 h 2 min",
    ]);
  });
  it("costs keep their first digits", () => {
    expect([null, 0, 0.0000042, 0.000000001, 0.0123, 3.456].map(cost)).toEqual([
      "",
      "$0",
      "$0.000004",
      "<$0.000001",
      "$0.0123",
      "$3.46",
    ]);
  });
  it("counts and bytes are cut at a thousand", () => {
    expect([count(9999), count(12_345), count(2_500_000)]).toEqual(["9,999", "12.3k", "2.50M"]);
    expect([bytes(12), bytes(20_480), bytes(5_242_880)]).toEqual(["12 bytes", "20 KB", "5.0 MB"]);
  });
  it("scores show value, label or both", () => {
    expect(scoreText({ value: 0.5, label: null })).toBe("0.5");
    expect(scoreText({ value: null, label: "good" })).toBe("good");
    expect(scoreText({ value: true, label: "yes" })).toBe("true (yes)");
  });
  it("ages are rounded down", () => {
    expect([5, 125, 7300, 200_000].map((s) => ago(0, s * 1000))).toEqual([
      "5 s ago",
      "2 min ago",
      "2 h ago",
      "2 d ago",
    ]);
  });
});

describe("live rows", () => {
  const row = (id: string, start_us: number, name = id) => ({ id, start_us, name }) as TraceRow;
  const pages = [
    { rows: [row("c", 30), row("b", 20)], next: "x", seq: 1 },
    { rows: [row("a", 10)], next: null, seq: 1 },
  ];
  const names = (found: typeof pages) => found.map((page) => page.rows.map((r) => r.name));
  it("replace known ones in place, drop what is gone, and leave what did not change as it is", () => {
    const { pages: next, fresh } = applied(pages, [row("b", 20, "B"), row("d", 40)], ["c"]);
    expect(names(next)).toEqual([["B"], ["a"]]);
    expect(next[1]).toBe(pages[1]);
    expect(fresh.map((r) => r.id)).toEqual(["d"]);
  });
  it("are not new when they belong below what is loaded", () => {
    const fresh = [row("d", 40), row("m", 15), row("z", 5)];
    const loaded = pages.slice(0, 1);
    expect(inSight(loaded, fresh).map((r) => r.id)).toEqual(["d"]);
    expect(inSight(pages, fresh)).toEqual(fresh);
  });
  it("come in at their place by time", () => {
    expect(names(inserted(pages, [row("d", 40), row("m", 15), row("z", 5)], false))).toEqual([
      ["d", "c", "b"],
      ["m", "a", "z"],
    ]);
  });
  it("wait for their page when older ones are not loaded", () => {
    expect(names(inserted(pages, [row("z", 5)], true))).toEqual([["c", "b"], ["a"]]);
  });
});
