import { describe, expect, it } from "vitest";
import type { TraceRow } from "../api/types";
import { merged } from "../api/useTraces";
import { ago, bytes, cost, count, duration, scoreText } from "./format";
import { messagesOf, parametersOf } from "./messages";
import { bar, visibleLines } from "./tree";

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
    expect([count(9999), count(12_345), count(2_500_000)]).toEqual(["9999", "12.3k", "2.50M"]);
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

describe("the tree", () => {
  it("lists the trace and its spans depth first", () => {
    const lines = visibleLines([-1, 0, 0, 1, -1], new Set());
    expect(lines.map((line) => [line.index, line.depth])).toEqual([
      [-1, 0],
      [0, 1],
      [1, 2],
      [3, 3],
      [2, 2],
      [4, 1],
    ]);
    expect(lines[2]).toMatchObject({ position: 1, siblings: 2, hasChildren: true });
  });
  it("leaves out what is under a collapsed line", () => {
    expect(visibleLines([-1, 0, 1], new Set([0])).map((line) => line.index)).toEqual([-1, 0]);
  });
  it("survives a chain of 10,000", () => {
    const chain = Array.from({ length: 10_000 }, (_, n) => n - 1);
    expect(visibleLines(chain, new Set())).toHaveLength(10_001);
  });
  it("keeps bars inside the picture", () => {
    expect(bar(50, 0, 0, 100)).toEqual({ left: 0.5, width: 0.003 });
    expect(bar(-10, 500, 0, 100).left).toBe(0);
    expect(bar(-10, 500, 0, 100).width).toBeLessThanOrEqual(1.003);
  });
});

describe("conversations", () => {
  it("are found in requests and answers", () => {
    expect(messagesOf({ messages: [{ role: "user", content: "Hi" }], temperature: 0 })?.[0]).toMatchObject({
      role: "user",
      text: "Hi",
    });
    const call = { function: { name: "f", arguments: "{}" } };
    const answer = { choices: [{ message: { role: "assistant", content: null, tool_calls: [call] } }] };
    expect(messagesOf(answer)?.[0]?.calls).toEqual([{ name: "f", args: "{}" }]);
    const parts = [
      { type: "text", text: "a" },
      { type: "image_url", image_url: "x" },
    ];
    expect(messagesOf([{ role: "user", content: parts }])?.[0]).toMatchObject({
      text: "a",
      other: [parts[1]],
    });
  });
  it("are not seen where there are none", () => {
    for (const value of [null, "text", 3, {}, { messages: "no" }, [1], { messages: [{ role: 1 }] }])
      expect(messagesOf(value as never)).toBeNull();
  });
  it("leave parameters beside them", () => {
    expect(parametersOf({ messages: [], temperature: 1 })).toEqual({ temperature: 1 });
    expect(parametersOf({ messages: [] })).toBeNull();
  });
});

describe("live rows", () => {
  const row = (id: string, start_us: number, name = id) => ({ id, start_us, name }) as TraceRow;
  const pages = [
    { rows: [row("c", 30), row("b", 20)], next: "x", seq: 1 },
    { rows: [row("a", 10)], next: null, seq: 1 },
  ];
  const names = (found: typeof pages) => found.map((page) => page.rows.map((r) => r.name));
  it("replace known ones in place", () => {
    expect(names(merged(pages, [row("b", 20, "B")], 2, false))).toEqual([["c", "B"], ["a"]]);
  });
  it("come first when they are newer", () => {
    expect(names(merged(pages, [row("d", 40)], 2, false))).toEqual([["d", "c", "b"], ["a"]]);
  });
  it("wait for their page when older ones are not loaded", () => {
    expect(names(merged(pages, [row("z", 5)], 2, true))).toEqual([["c", "b"], ["a"]]);
  });
});
