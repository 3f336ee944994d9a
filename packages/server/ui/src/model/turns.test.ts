import { expect, test } from "vitest";
import type { Turn } from "../api/types";
import { gapBefore, spoken, totalsOf } from "./turns";

const turn = (fields: Partial<Turn>): Turn => ({
  trace_id: "t",
  name: "ask",
  status: "ok",
  start_us: 0,
  dur_us: 1_000_000,
  input: null,
  output: null,
  error: null,
  tin: 1,
  tout: 2,
  cost: null,
  errors: 0,
  scores: [],
  truncated: {},
  ...fields,
});

test.each([
  ["hello", "hello"],
  [{ question: "why?" }, "why?"],
  [{ question: "why?", user: null }, "why?"],
  [{ question: "why?", k: 3 }, null],
  [
    {
      messages: [
        { role: "system", content: "be kind" },
        { role: "user", content: "hi" },
      ],
    },
    "hi",
  ],
  [
    [
      {
        role: "user",
        content: [{ type: "text", text: "a" }, { type: "image" }, { type: "text", text: "b" }],
      },
    ],
    "a\n\nb",
  ],
  [{ choices: [{ index: 0, message: { role: "assistant", content: "yes" } }] }, "yes"],
  [{ role: "assistant", content: null }, null],
  [{ output: { answer: "42" } }, "42"],
  [7, null],
  [null, null],
  [[], null],
])("what was said in %j is %j", (value, text) => {
  expect(spoken(value as never)).toBe(text);
});

test("time between turns is told when it is more than a pause", () => {
  const first = turn({});
  expect(gapBefore(first, undefined)).toBeNull();
  expect(gapBefore(turn({ start_us: 60_000_000 }), first)).toBeNull();
  expect(gapBefore(turn({ start_us: 2_701_000_000 }), first)).toBe("45 min later");
  expect(gapBefore(turn({ start_us: 3 * 3_600_000_000 }), first)).toBe("3 h later");
  expect(gapBefore(turn({ start_us: 72 * 3_600_000_000 }), first)).toBe("3 days later");
});

test("totals are the sums; a cost nobody knows is not nothing", () => {
  const turns = [turn({}), turn({ cost: 0.5, status: "error" }), turn({ dur_us: -1, status: "running" })];
  expect(totalsOf(turns)).toEqual({ dur_us: 2_000_000, tin: 3, tout: 6, cost: 0.5, errors: 1 });
  expect(totalsOf([turn({})]).cost).toBeNull();
});
