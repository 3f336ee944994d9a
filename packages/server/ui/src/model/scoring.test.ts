import { expect, test } from "vitest";
import type { KnownScore, ScoreDef } from "../api/types";
import { choicesOf, isSame, judged, mine } from "./scoring";

const def = (fields: Partial<ScoreDef>): ScoreDef => ({
  name: "q",
  type: "numeric",
  description: "",
  min: null,
  max: null,
  categories: [],
  ...fields,
});

test("a short range, categories, and yes or no have a key for each value", () => {
  expect(choicesOf(def({ min: 0, max: 2 })).map((one) => [one.key, one.judgement.value])).toEqual([
    ["1", 0],
    ["2", 1],
    ["3", 2],
  ]);
  expect(choicesOf(def({ type: "boolean" })).map((one) => one.key)).toEqual(["y", "n"]);
  expect(choicesOf(def({ type: "categorical", categories: ["good", "bad"] }))[1]?.judgement.label).toBe(
    "bad",
  );
  expect(choicesOf(def({ min: 0, max: 100 }))).toEqual([]);
  expect(choicesOf(def({ min: 0, max: 0.5 }))).toEqual([]);
  expect(choicesOf(def({ type: "text" }))).toEqual([]);
});

test("what is typed is a value of the definition, or says what is allowed", () => {
  expect(judged(def({ min: 0, max: 1 }), "0,5")).toEqual({ value: 0.5, label: null });
  expect(judged(def({ min: 0, max: 1 }), "2")).toEqual({ fault: "At most 1" });
  expect(judged(def({ min: 0 }), "-1")).toEqual({ fault: "At least 0" });
  expect(judged(def({}), "much")).toEqual({ fault: "A number" });
  expect(judged(def({ type: "boolean" }), "no")).toEqual({ value: false, label: null });
  expect(judged(def({ type: "text" }), " fine ")).toEqual({ value: null, label: "fine" });
  expect(judged(def({ type: "text" }), "  ")).toEqual({ fault: "Empty" });
});

test("one's own score is that of one's own name, given here", () => {
  const score = (fields: Partial<KnownScore>) =>
    ({ name: "q", source: "ui", author: "ann", value: 1, label: null, ...fields }) as KnownScore;
  const scores = [score({ author: "bob" }), score({ source: "sdk" }), score({ value: 2 })];
  expect(mine(scores, "q", "ann")?.value).toBe(2);
  expect(mine(scores, "q", "eve")).toBeUndefined();
  expect([
    isSame({ value: 2, label: null }, { value: 2, label: null }),
    isSame(undefined, { value: 2, label: null }),
  ]).toEqual([true, false]);
});
