import { describe, expect, it } from "vitest";
import { both, scoredQuery } from "./queue";
import { USUAL } from "./scoring";

describe("a queue", () => {
  it("counts a trace as scored when every definition has a value", () => {
    expect(scoredQuery(USUAL)).toBe("score.rating:* score.correct:*");
    expect(scoredQuery([...USUAL, { ...USUAL[0], name: "two words" } as never])).toBe("");
  });
  it("keeps the OR of its query together", () => {
    expect(both("a OR b", "score.x:*")).toBe("(a OR b) score.x:*");
    expect(both(" ", "NOT (score.x:*)")).toBe("NOT (score.x:*)");
  });
});
