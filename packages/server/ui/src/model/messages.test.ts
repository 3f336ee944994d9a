import { describe, expect, it } from "vitest";
import type { Json } from "../api/types";
import { callNames, messagesOf, parametersOf } from "./messages";

const read = (value: Json, isModel = false) => messagesOf(value, isModel)?.map((m) => [m.role, ...m.parts]);

describe("conversations", () => {
  it("of OpenAI chats: texts, images, tool calls, their results, reasoning, refusals", () => {
    const call = { id: "c1", type: "function", function: { name: "search", arguments: '{"q": 1}' } };
    const asked = {
      messages: [
        { role: "system", content: "Be brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AA" } },
          ],
        },
        { role: "assistant", content: null, tool_calls: [call], reasoning_content: "Hm" },
        { role: "tool", tool_call_id: "c1", content: '{"found": true}' },
      ],
      temperature: 0,
      tools: [{ type: "function", function: { name: "search" } }],
    };
    expect(read(asked)).toEqual([
      ["system", { type: "text", text: "Be brief" }],
      [
        "user",
        { type: "text", text: "What is it?" },
        { type: "image", name: "image", url: "data:image/png;base64,AA" },
      ],
      [
        "assistant",
        { type: "reasoning", text: "Hm" },
        { type: "tool_call", id: "c1", name: "search", args: { q: 1 } },
      ],
      ["tool", { type: "tool_result", id: "c1", name: "", value: { found: true }, isError: false }],
    ]);
    expect(callNames(messagesOf(asked) ?? [])).toEqual(new Map([["c1", "search"]]));
    expect(parametersOf(asked)).toEqual({ parameters: { temperature: 0 }, tools: asked.tools });
    expect(read({ choices: [{ message: { role: "assistant", content: null, refusal: "No." } }] })).toEqual([
      ["assistant", { type: "refusal", text: "No." }],
    ]);
  });
  it("of OpenAI responses", () => {
    expect(read({ input: "Hi", instructions: "Be brief" }, true)).toEqual([
      ["system", { type: "text", text: "Be brief" }],
      ["user", { type: "text", text: "Hi" }],
    ]);
    const output = [
      { type: "reasoning", summary: [{ type: "summary_text", text: "Think" }] },
      { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Done" }] },
    ];
    expect(read({ output })).toEqual([
      ["assistant", { type: "reasoning", text: "Think" }],
      ["assistant", { type: "tool_call", id: "c", name: "f", args: {} }],
      ["assistant", { type: "text", text: "Done" }],
    ]);
    expect(read([{ type: "function_call_output", call_id: "c", output: "4" }])).toEqual([
      ["tool", { type: "tool_result", id: "c", name: "", value: "4", isError: false }],
    ]);
  });
  it("of Anthropic", () => {
    const asked = {
      system: "Be kind",
      messages: [
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "So" },
            { type: "tool_use", id: "t", name: "f", input: { a: 1 } },
          ],
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "t",
              content: [{ type: "text", text: "no" }],
              is_error: true,
            },
          ],
        },
        {
          role: "user",
          content: [{ type: "image", source: { type: "base64", media_type: "image/jpeg", data: "QQ" } }],
        },
      ],
    };
    expect(read(asked)).toEqual([
      ["system", { type: "text", text: "Be kind" }],
      [
        "assistant",
        { type: "reasoning", text: "So" },
        { type: "tool_call", id: "t", name: "f", args: { a: 1 } },
      ],
      ["user", { type: "tool_result", id: "t", name: "", value: "no", isError: true }],
      ["user", { type: "image", name: "image", url: "data:image/jpeg;base64,QQ" }],
    ]);
  });
  it("of LangChain, LlamaIndex and Gemini", () => {
    expect(read({ messages: [[{ type: "human", content: "Hi" }]] })).toEqual([
      ["user", { type: "text", text: "Hi" }],
    ]);
    expect(
      read({ role: "ai", content: "Yes", tool_calls: [{ id: "1", name: "f", args: { x: 1 } }] }),
    ).toEqual([
      ["assistant", { type: "text", text: "Yes" }, { type: "tool_call", id: "1", name: "f", args: { x: 1 } }],
    ]);
    expect(read({ message: { role: "assistant", content: "A", thinking: "B" } })).toEqual([
      ["assistant", { type: "reasoning", text: "B" }, { type: "text", text: "A" }],
    ]);
    expect(
      read({
        contents: [{ role: "model", parts: [{ text: "x" }, { functionCall: { name: "g", args: {} } }] }],
      }),
    ).toEqual([
      ["assistant", { type: "text", text: "x" }, { type: "tool_call", id: "", name: "g", args: {} }],
    ]);
  });
  it("are not seen where there are none", () => {
    for (const value of [
      null,
      "text",
      3,
      {},
      { messages: "no" },
      [1],
      { messages: [{ role: 1 }] },
      { input: "text" },
      [],
    ])
      expect(messagesOf(value as Json)).toBeNull();
  });
  it("treat __proto__ as any other key", () => {
    const value = JSON.parse(
      '{"messages": [{"role": "user", "content": "x"}], "__proto__": {"a": 1}}',
    ) as Json;
    expect(Object.keys(parametersOf(value).parameters)).toEqual([]);
    expect(({} as { a?: number }).a).toBeUndefined();
  });
});
