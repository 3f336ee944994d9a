/** A recorded model call as something one can run again. */

import type { Json, SpanDetail } from "../api/types";

const isFields = (value: Json): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Call = Pick<SpanDetail, "type" | "provider" | "model" | "input">;

interface Api {
  url: string;
  key: string;
  python: (args: string) => string;
}

const OPENAI = (path: string, method: string): Api => ({
  url: `https://api.openai.com/v1/${path}`,
  key: "Authorization: Bearer $OPENAI_API_KEY",
  python: (args) =>
    `from openai import OpenAI\n\nresponse = OpenAI().${method}.create(\n${args})\nprint(response)\n`,
});

const ANTHROPIC: Api = {
  url: "https://api.anthropic.com/v1/messages",
  key: "x-api-key: $ANTHROPIC_API_KEY",
  python: (args) =>
    `from anthropic import Anthropic\n\nresponse = Anthropic().messages.create(\n${args})\nprint(response)\n`,
};

/** Python and curl of a call; null where a span is no call of a known shape. */
export function callAsPython(span: Call): { python: string | null; curl: string | null } {
  const body = bodyOf(span);
  if (!body) return { python: null, curl: null };
  const api = apiOf(span, body);
  const args = Object.entries(body).map(([name, value]) => `    ${name}=${python(value, 1)},\n`);
  const isName = Object.keys(body).every((name) => /^[a-z_]\w*$/i.test(name));
  const call = isName ? args.join("") : `    **${python(body, 1)}\n`;
  const more = api === ANTHROPIC ? ` \\\n  -H 'anthropic-version: 2023-06-01'` : "";
  const curl = `curl ${api.url} \\\n  -H 'Content-Type: application/json' \\\n  -H "${api.key}"${more} \\\n  -d ${shell(JSON.stringify(body, null, 2))}\n`;
  return { python: api.python(call), curl };
}

function bodyOf({ type, model, input }: Call): { [key: string]: Json } | null {
  if (type !== "llm" || !model) return null;
  if (Array.isArray(input)) return { model, messages: input };
  if (!isFields(input) || !("messages" in input || "input" in input)) return null;
  return { model, ...input };
}

function apiOf(span: Call, body: { [key: string]: Json }): Api {
  if (span.provider === "anthropic" || /^claude/.test(span.model ?? "")) return ANTHROPIC;
  return "messages" in body
    ? OPENAI("chat/completions", "chat.completions")
    : OPENAI("responses", "responses");
}

/** A value as Python writes it. */
export function python(value: Json, depth = 0): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const pad = "    ".repeat(depth);
  const items = Array.isArray(value)
    ? value.map((item) => python(item, depth + 1))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${python(item, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const line = `${open}${items.join(", ")}${close}`;
  if (line.length < 80 && !line.includes("\n")) return line;
  return `${open}\n${items.map((item) => `${pad}    ${item},\n`).join("")}${pad}${close}`;
}

/** One argument of a shell command, whatever is in it. */
export const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
