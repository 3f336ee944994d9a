import { describe, expect, it } from "vitest";
import type { Json } from "../api/types";
import { linePath, niceTop, stacked, timeTicks } from "./chart";
import { isSecretName, safeHref, safeImage, visibleText } from "./hygiene";
import { isLarge, jsonLines, jsonSearch, wrapped } from "./json";
import { pastedId, quoted, tracesPath } from "./paths";
import { callAsPython, shell } from "./snippets";
import { choice, flag, list, readState, span, text, writeState } from "./url";

describe("state in the address", () => {
  const spec = {
    q: text(),
    live: flag(true),
    sort: choice(["a", "b"], "a"),
    cols: list(["x"]),
    zoom: span(),
  };
  it("comes back as it was written, and defaults are not written", () => {
    const state = {
      q: "a b&c",
      live: false,
      sort: "b",
      cols: ["score.a,b", "100%"],
      zoom: [5, 900],
    } as const;
    const search = writeState(spec, "", state);
    expect(readState(spec, search)).toEqual(state);
    expect(writeState(spec, search, { q: "", live: true, sort: "a", cols: ["x"], zoom: null })).toBe("");
  });
  it("keeps what it does not know and reads nonsense as the default", () => {
    expect(writeState(spec, "other=1&q=x", { q: "" })).toBe("other=1");
    expect(readState(spec, "sort=zzz&zoom=9..1&live=maybe")).toMatchObject({
      sort: "a",
      zoom: null,
      live: false,
    });
  });
});

describe("JSON as lines", () => {
  const open = () => true;
  it("lists members in order with their paths", () => {
    const lines = jsonLines({ a: [1, { "odd key": null }] }, open);
    expect(lines.map((line) => line.path)).toEqual(["$", "$.a", "$.a[0]", "$.a[1]", '$.a[1]["odd key"]']);
    expect(lines.map((line) => line.depth)).toEqual([0, 1, 2, 2, 3]);
  });
  it("leaves out what is closed and opens long texts line by line", () => {
    expect(jsonLines({ a: { b: 1 } }, () => false)).toHaveLength(2);
    const lines = jsonLines({ t: "one\ntwo" }, open);
    expect(lines.filter((line) => line.kind === "text").map((line) => line.value)).toEqual(["one", "two"]);
  });
  it("goes 20,000 deep and 100,000 wide", () => {
    let deep: Json = 1;
    for (let n = 0; n < 20_000; n++) deep = [deep];
    expect(jsonLines(deep, open)).toHaveLength(20_001);
    expect(jsonLines(new Array<Json>(100_000).fill(0), open)).toHaveLength(100_101);
    expect(isLarge(deep, 50)).toBe(true);
  });
  it("shows a long list as groups, of which the first is open", () => {
    const many = Array.from({ length: 2500 }, (_, n) => n);
    const lines = jsonLines(many, (_path, _depth, size) => size < 2000);

    expect(lines.filter((line) => line.kind === "array").map((line) => [line.path, line.isOpen])).toEqual([
      ["$", true],
      ["$[0…999]", true],
      ["$[1000…1999]", false],
      ["$[2000…2499]", false],
    ]);
    expect(lines[2]).toMatchObject({ path: "$[0]", depth: 2, value: 0 });
    expect(jsonLines(many, () => true).at(-1)).toMatchObject({ path: "$[2499]", key: "2499" });
  });
  it("finds what is in a closed group", () => {
    const many = Array.from({ length: 2500 }, (_, n) => `item ${n}`);
    const { found, above } = jsonSearch(many, "item 1234");

    expect(found).toEqual(["$[1234]"]);
    expect([...above]).toEqual(["$[1000…1999]", "$"]);
  });
  it("is searched by keys and values", () => {
    const { found, above } = jsonSearch({ a: { refund: 1 }, b: ["no", "A Refund"] }, "refund");
    expect(found).toEqual(["$.a.refund", "$.b[1]"]);
    expect([...above].sort()).toEqual(["$", "$.a", "$.b"]);
  });
  it("keeps __proto__ as a key", () => {
    expect(jsonLines(JSON.parse('{"__proto__": 1}') as Json, open).map((line) => line.key)).toEqual([
      null,
      "__proto__",
    ]);
  });
  it("wraps long lines at spaces and gives up on endless ones", () => {
    expect(wrapped("aaaa bbbb cccc", 10)).toEqual(["aaaa bbbb ", "cccc"]);
    expect(wrapped("x".repeat(1_000_000)).length).toBeLessThanOrEqual(2001);
  });
});

describe("what may be shown", () => {
  it("marks characters that hide or turn text", () => {
    expect(visibleText("a\u202eb\u0000c")).toBe("a⟨202e⟩b⟨0000⟩c");
  });
  it("lets only plain links and inline images through", () => {
    expect([safeHref("https://x.y"), safeHref("mailto:a@b.c")]).toEqual(["https://x.y", "mailto:a@b.c"]);
    for (const bad of [
      "javascript:alert(1)",
      " JaVaScRiPt:1",
      "data:text/html,x",
      "//host/x",
      "/local",
      "vbscript:x",
      "blob:x",
    ])
      expect(safeHref(bad)).toBeNull();
    expect(safeImage("data:image/png;base64,AA")).not.toBeNull();
    for (const bad of [
      "https://x/y.png",
      "data:image/svg+xml;base64,AA",
      "data:text/html;base64,AA",
      "data:image/png;base64,<svg>",
    ])
      expect(safeImage(bad)).toBeNull();
  });
  it("hides secrets by their names", () => {
    expect(["Authorization", "api_key", "client_secret", "x-api-key"].every(isSecretName)).toBe(true);
    expect(["author", "keyboard", "tokens", "monkey"].some(isSecretName)).toBe(false);
  });
});

describe("addresses", () => {
  it("quote what the filter language would read otherwise", () => {
    expect([quoted("gpt-4o"), quoted("a b"), quoted('say "x"')]).toEqual([
      "gpt-4o",
      '"a b"',
      '"say \\"x\\""',
    ]);
    expect(tracesPath("a/b", "tag:x y")).toBe("/p/a%2Fb/traces?q=tag%3Ax+y");
  });
  it("find an id in what was pasted", () => {
    const id = "01890a5d-ac96-774b-bcce-b302099a8057";
    expect(pastedId(id)).toBe(id);
    expect(pastedId(` ${id.replaceAll("-", "")} `)).toBe(id);
    expect(pastedId(`http://127.0.0.1:7171/p/x/traces/${id}?tab=raw`)).toBe(id);
    expect(pastedId("not an id")).toBeNull();
  });
});

describe("calls to run again", () => {
  const input = { messages: [{ role: "user", content: "it's" }], temperature: 0.5, stream: true };
  it("are Python and curl", () => {
    const { python, curl } = callAsPython({ type: "llm", provider: "openai", model: "gpt-5.2", input });
    expect(python).toContain(
      'OpenAI().chat.completions.create(\n    model="gpt-5.2",\n    messages=[{"role": "user", "content": "it\'s"}],',
    );
    expect(python).toContain("stream=True");
    expect(curl).toContain("https://api.openai.com/v1/chat/completions");
    expect(curl).toContain(`it'\\''s`);
    expect(callAsPython({ type: "llm", provider: "anthropic", model: "claude-x", input }).curl).toContain(
      "anthropic-version",
    );
    expect(callAsPython({ type: "tool", provider: null, model: null, input })).toEqual({
      python: null,
      curl: null,
    });
  });
  it("survive any quotes in a shell", () => {
    expect(shell("a'b$(c)")).toBe(`'a'\\''b$(c)'`);
  });
});

describe("charts", () => {
  it("end on round values, stack, and lift the pen at gaps", () => {
    expect([0, 0.3, 7, 120].map(niceTop)).toEqual([1, 0.5, 10, 200]);
    expect(
      stacked([
        { name: "a", values: [1, null] },
        { name: "b", values: [2, 3] },
      ]),
    ).toEqual([
      [[0, 1], null],
      [
        [1, 3],
        [0, 3],
      ],
    ]);
    expect(linePath([1, null, 1, 1], 40, 10, 1)).toBe("M5.0 0.0M25.0 0.0L35.0 0.0");
  });
  it("tick at round times", () => {
    const ticks = timeTicks(Date.UTC(2026, 0, 1) * 1000, Date.UTC(2026, 0, 1, 6) * 1000, 6);
    expect(ticks).toHaveLength(6);
    expect(new Set(ticks.map((t) => t % 3600e6))).toEqual(new Set([(ticks[0] as number) % 3600e6]));
  });
});
