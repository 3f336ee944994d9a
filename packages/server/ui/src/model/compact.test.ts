import { expect, test } from "vitest";
import type { TraceDetail } from "../api/types";
import { isSameSpan, opened, rowOfSpan } from "./compact";

test("starts are moments again", () => {
  const cols = { start_us: [1_700_000_000_000_000, 5, 0, 20] };

  expect(opened({ cols } as unknown as TraceDetail).cols.start_us).toEqual([
    1_700_000_000_000_000, 1_700_000_000_000_005, 1_700_000_000_000_005, 1_700_000_000_000_025,
  ]);
});

test("a span is found by its id and by an ending of it, longer or shorter than those of the rows", () => {
  const ids = ["aaaa1111", "bbbb2222"];

  for (const wanted of ["bbbb2222", "01a20f4d-4f45-78a0-81ed-0000bbbb2222", "2222"])
    expect(rowOfSpan(ids, wanted)).toBe(1);
  for (const wanted of ["", "cccc3333", "01a20f4d-4f45-78a0-81ed-0000cccc3333"])
    expect(rowOfSpan(ids, wanted)).toBe(-1);
});

test("an id is the same with and without hyphens", () => {
  expect(isSameSpan("01a20f4d-4f45-78a0-81ed-0000bbbb2222", "01a20f4d4f4578a081ed0000bbbb2222")).toBe(true);
  expect(isSameSpan("01a20f4d-4f45-78a0-81ed-0000bbbb2222", "01a20f4d-4f45-78a0-81ed-0000bbbb2223")).toBe(
    false,
  );
});
