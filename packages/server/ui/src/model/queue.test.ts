import { describe, expect, it } from "vitest";
import { both, scoredQuery } from "./queue";
import { USUAL } from "./scoring";

describe("a queue", () => {
  it("counts a trace as scored when this person gave every score, whatever it is called", () => {
    expect(scoredQuery(USUAL, "Ann Lee")).toBe('scored.rating:"Ann Lee" scored.correct:"Ann Lee"');
    expect(scoredQuery([{ ...USUAL[0], name: 'two "words"' } as never], "")).toBe(
      'scored."two \\"words\\"":""',
    );
  });
  it("keeps the OR of its query together", () => {
    expect(both("a OR b", "score.x:*")).toBe("(a OR b) score.x:*");
    expect(both(" ", "NOT (score.x:*)")).toBe("NOT (score.x:*)");
  });
});
