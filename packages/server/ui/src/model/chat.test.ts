import { describe, expect, it } from "vitest";
import type { Message } from "../api/types";
import { callNames, parametersOf, parsed, sourceOf, toolName, toolValue } from "./chat";

describe("conversations", () => {
  it("read JSON that was sent as text, and leave other text", () => {
    expect([parsed('{"q": 1}'), parsed("[not json"), parsed("plain")]).toEqual([
      { q: 1 },
      "[not json",
      "plain",
    ]);
    expect(toolValue({ type: "tool_call", args: '{"q": 1}' } as never)).toEqual({ q: 1 });
    expect(toolValue({ type: "tool_result", args: null, text: "4" } as never)).toBe("4");
  });
  it("know which tool a result answers", () => {
    const messages = [
      { role: "assistant", side: "input", parts: [{ type: "tool_call", id: "c1", name: "search" }] },
    ];
    expect(callNames(messages as unknown as Message[])).toEqual(new Map([["c1", "search"]]));
  });
  it("show bytes from our blobs or inline, and from nowhere else", () => {
    const blob = "a".repeat(64);
    expect(sourceOf({ type: "image", args: null, blob }, "/x")).toBe(`/x/api/v1/blobs/${blob}`);
    expect(sourceOf({ type: "image", args: null, data: "AA", mime: "image/jpeg" }, "")).toBe(
      "data:image/jpeg;base64,AA",
    );
    expect(sourceOf({ type: "image", args: null, data: "AA", mime: "image/svg+xml" }, "")).toBeNull();
    expect(sourceOf({ type: "image", args: null, url: "https://elsewhere/x.png" }, "")).toBeNull();
    expect(sourceOf({ type: "image", args: null, blob: "../meta" }, "")).toBeNull();
  });
  it("keep parameters and tools apart", () => {
    const tools = [{ type: "function", function: { name: "search" } }, { name: "f" }, 3];
    expect(parametersOf({ temperature: 0, top_p: null, tools })).toEqual({
      parameters: { temperature: 0 },
      tools,
    });
    expect(tools.map(toolName)).toEqual(["search", "f", "?"]);
  });
});
