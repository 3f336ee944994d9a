import { expect, test } from "vitest";
import type { CompareRow } from "../api/types";
import { delta, depthsOf, differing, nextDifference } from "./compare";

const row = (parent: number, state: CompareRow["state"] = "same"): CompareRow => ({
  a: 0,
  b: 0,
  parent,
  state,
  changed: [],
});
const rows = [row(-1), row(0), row(1, "changed"), row(0), row(3, "only_b"), row(0)];

test("rows are as deep as their parents say", () => {
  expect(depthsOf(rows)).toEqual([0, 1, 2, 1, 2, 1]);
});

test("what differs is shown with what is above it", () => {
  expect(differing(rows)).toEqual([0, 1, 2, 3, 4]);
  expect(differing([row(-1), row(0)])).toEqual([]);
});

test("differences are walked in both directions, and end", () => {
  expect(nextDifference(rows, -1, 1)).toBe(2);
  expect(nextDifference(rows, 2, 1)).toBe(4);
  expect(nextDifference(rows, 4, 1)).toBeNull();
  expect(nextDifference(rows, 4, -1)).toBe(2);
});

test("a delta is B against A, and silent where there is none", () => {
  const text = (n: number) => `${n} s`;
  expect(delta(1, 3, text)).toBe("+2 s");
  expect(delta(3, 1, text)).toBe("−2 s");
  expect([delta(1, 1, text), delta(null, 1, text)]).toEqual(["", ""]);
});
