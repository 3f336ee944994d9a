import { expect, test } from "vitest";
import type { Metrics } from "../api/types";
import { byKey, hasValues, okAndErrors, scoreLines, tokenParts, tokensByKey, total } from "./metrics";

const found = (series: Metrics["series"]): Metrics => ({
  t: [0, 1],
  step_ms: 1,
  series,
  partial_last: false,
  unpriced: [],
  exact: true,
});

test("traces that failed are not counted as ok too", () => {
  const [errors, ok] = okAndErrors(
    found([
      { metric: "count", key: "", stat: "n", v: [3, 1] },
      { metric: "errors", key: "", stat: "n", v: [1, 0] },
    ]),
  );
  expect(errors?.values).toEqual([1, 0]);
  expect(ok?.values).toEqual([2, 1]);
});

test("the parts of the tokens add up to all of them", () => {
  const parts = tokenParts(
    found([
      { metric: "tokens", key: "", stat: "in", v: [10, 0] },
      { metric: "tokens", key: "", stat: "out", v: [4, 2] },
      { metric: "tokens", key: "", stat: "cached", v: [3, 0] },
    ]),
  );
  expect(parts.map((part) => part.values)).toEqual([
    [7, 0],
    [3, 0],
    [4, 2],
  ]);
});

test("keys come with the largest first, and cached tokens are not counted twice", () => {
  const metrics = found([
    { metric: "tokens", key: "a", stat: "in", v: [1, 1] },
    { metric: "tokens", key: "a", stat: "out", v: [1, 0] },
    { metric: "tokens", key: "a", stat: "cached", v: [1, 1] },
    { metric: "tokens", key: "b", stat: "in", v: [9, 0] },
    { metric: "cost", key: "", stat: "sum", v: [1, null] },
  ]);
  expect(tokensByKey(metrics)).toEqual([
    { name: "b", values: [9, 0] },
    { name: "a", values: [2, 1] },
  ]);
  expect(byKey(metrics, "cost", "sum")).toEqual([{ name: "(none)", values: [1, null] }]);
  expect(total(metrics, "tokens", "in")).toBe(11);
});

test("scores tell their mean and how many they are; a chart of nothing says so", () => {
  const { series, n } = scoreLines(
    found([
      { metric: "scores", key: "q", stat: "mean", v: [0.5, null] },
      { metric: "scores", key: "q", stat: "n", v: [2, null] },
    ]),
  );
  expect([series, n]).toEqual([[{ name: "q", values: [0.5, null] }], 2]);
  expect(hasValues([{ name: "x", values: [0, null] }])).toBe(false);
});
