import { expect, test } from "vitest";
import type { Skeleton } from "../api/types";
import { completed, isSameSpan, opened, rowOfSpan } from "./skeleton";

const sent = {
  cols: { digits: 7, ids: "aaaaaa1bbbbbb2cccccc3", up: [0, 1, -1], step_us: [1_700_000_000_000_000, 5, 0] },
  figures: null,
  seq: 8,
} as unknown as Skeleton;
const figures = {
  model: ["m", null, null],
  tin: [1, 2, 3],
  tout: [0, 0, 0],
  cost: [0.1, null, 0],
  ttft_us: [4, null, 5],
};

test("ids, parents and starts are whole again", () => {
  expect(opened(sent).cols).toMatchObject({
    id: ["aaaaaa1", "bbbbbb2", "cccccc3"],
    parent: [-1, 0, 3],
    start_us: [1_700_000_000_000_000, 1_700_000_000_000_005, 1_700_000_000_000_005],
  });
  expect(opened(sent, 20_000).cols.parent).toEqual([-1, 20_000, 20_003]);
});

test("a tree is there before its figures, and the same with them", () => {
  const first = opened(sent);

  expect([first.hasFigures, first.cols.tin, first.cols.cost]).toEqual([
    false,
    [null, null, null],
    [null, null, null],
  ]);
  expect(completed(first, figures)).toEqual(opened({ ...sent, figures }));
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
