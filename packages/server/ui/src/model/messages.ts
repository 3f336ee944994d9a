import type { Json } from "../api/types";

export interface ToolCall {
  name: string;
  args: string;
}

export interface Message {
  role: string;
  text: string;
  calls: ToolCall[];
  other: Json[]; // parts that are neither text nor calls: images, audio, files
}

type Fields = { [key: string]: Json };

const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The conversation in an input or output, if it is one: chat messages, choices, response items. */
export function messagesOf(value: Json): Message[] | null {
  const list = candidates(value);
  if (!list?.length || !list.every(isMessage)) return null;
  return list.map((item) => message(item as Fields));
}

function candidates(value: Json): Json[] | null {
  if (Array.isArray(value)) return value;
  if (!isFields(value)) return null;
  if (Array.isArray(value.messages)) return value.messages;
  if (Array.isArray(value.choices)) return value.choices.map((c) => (isFields(c) && c.message) || null);
  if (Array.isArray(value.output)) return value.output;
  return null;
}

function isMessage(item: Json): boolean {
  return isFields(item) && typeof item.role === "string" && ("content" in item || "tool_calls" in item);
}

function message(item: Fields): Message {
  const parts = Array.isArray(item.content) ? item.content : [item.content ?? null];
  const texts: string[] = [];
  const other: Json[] = [];
  for (const part of parts) {
    const text = textOf(part);
    if (text !== null) texts.push(text);
    else if (part !== null) other.push(part);
  }
  if (typeof item.refusal === "string") texts.push(item.refusal);
  const calls = Array.isArray(item.tool_calls) ? item.tool_calls.filter(isFields).map(toolCall) : [];
  return { role: String(item.role), text: texts.join("\n"), calls, other };
}

function textOf(part: Json): string | null {
  if (typeof part === "string") return part;
  if (isFields(part) && typeof part.text === "string") return part.text;
  return null;
}

function toolCall(call: Fields): ToolCall {
  const f = isFields(call.function) ? call.function : call;
  const args = f.arguments ?? f.args ?? "";
  return {
    name: String(f.name ?? "?"),
    args: typeof args === "string" ? args : JSON.stringify(args, null, 2),
  };
}

/** Parameters beside the messages of a request, for a line of their own. */
export function parametersOf(value: Json): Fields | null {
  if (!isFields(value) || !Array.isArray(value.messages)) return null;
  const { messages: _, ...rest } = value;
  return Object.keys(rest).length ? rest : null;
}
