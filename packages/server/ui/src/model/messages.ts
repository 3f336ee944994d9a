/** The conversation in what was recorded: OpenAI's chat and responses, Anthropic, Gemini, LangChain, LlamaIndex. */

import type { Json } from "../api/types";

export type Part =
  | { type: "text" | "reasoning" | "refusal"; text: string }
  | { type: "tool_call"; id: string; name: string; args: Json }
  | { type: "tool_result"; id: string; name: string; value: Json; isError: boolean }
  | { type: "image" | "audio" | "file"; name: string; url: string }
  | { type: "other"; value: Json };

export interface Message {
  role: string;
  name: string;
  parts: Part[];
}

type Fields = { [key: string]: Json };

export const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const word = (value: Json | undefined): string => (typeof value === "string" ? value : "");

const ROLES: Record<string, string> = {
  human: "user",
  ai: "assistant",
  model: "assistant",
  function: "tool",
};

/** Messages of an input or output; null when it is no conversation. */
export function messagesOf(value: Json, isModel = false): Message[] | null {
  if (isModel && typeof value === "string" && value)
    return [{ role: "assistant", name: "", parts: [{ type: "text", text: value }] }];
  const list = candidates(value, isModel);
  if (!list?.length || !list.every(isItem)) return null;
  const messages = list.map(message);
  const before = isFields(value) ? systemOf(value) : null;
  return before ? [before, ...messages] : messages;
}

function candidates(value: Json, isModel: boolean): Json[] | null {
  if (Array.isArray(value)) return value.length === 1 && Array.isArray(value[0]) ? value[0] : value;
  if (!isFields(value)) return null;
  const { messages, contents, choices, output, input, message, candidates: found, generations } = value;
  if (Array.isArray(messages)) return candidates(messages, isModel);
  if (Array.isArray(contents)) return contents;
  if (Array.isArray(choices))
    return choices.map((one) => (isFields(one) && (one.message ?? one.delta)) || null);
  if (Array.isArray(found)) return found.map((one) => (isFields(one) && one.content) || null);
  if (Array.isArray(generations))
    return generations.flat().map((one) => (isFields(one) && one.message) || null);
  if (Array.isArray(output)) return output;
  if (isFields(message)) return [message];
  if (Array.isArray(input)) return input;
  if (typeof input === "string" && isModel) return [{ role: "user", content: input }];
  return isItem(value) ? [value] : null;
}

function systemOf(value: Fields): Message | null {
  const given = value.system ?? value.instructions ?? value.system_instruction;
  if (typeof given === "string" && given)
    return { role: "system", name: "", parts: [{ type: "text", text: given }] };
  if (Array.isArray(given)) return { role: "system", name: "", parts: given.flatMap(part) };
  return isFields(given) && Array.isArray(given.parts)
    ? { role: "system", name: "", parts: given.parts.flatMap(part) }
    : null;
}

const ITEMS = ["function_call", "function_call_output", "reasoning"];
const LANGCHAIN = ["human", "ai", "system", "tool", "function", "chat"];

function isItem(item: Json): boolean {
  if (!isFields(item)) return false;
  const type = word(item.type);
  if (ITEMS.includes(type) || type.endsWith("_call")) return true;
  const hasContent =
    "content" in item || "tool_calls" in item || "blocks" in item || "parts" in item || "refusal" in item;
  return hasContent && (typeof item.role === "string" || LANGCHAIN.includes(type));
}

function message(given: Json): Message {
  const item = given as Fields;
  const type = word(item.type);
  const name = word(item.name);
  if (type === "function_call_output")
    return { role: "tool", name: "", parts: [result(word(item.call_id), "", item.output ?? null, false)] };
  if (ITEMS.includes(type) || type.endsWith("_call"))
    return { role: "assistant", name: "", parts: part(item) };
  const given_role = word(item.role) || type;
  const role = ROLES[given_role] ?? given_role;
  if (role === "tool") return { role, name, parts: [toolResult(item)] };
  const parts = [...reasoningOf(item), ...contentOf(item), ...callsOf(item)];
  if (typeof item.refusal === "string" && item.refusal) parts.push({ type: "refusal", text: item.refusal });
  if (isFields(item.audio)) parts.push(audio(item.audio));
  return { role, name, parts };
}

function toolResult(item: Fields): Part {
  const content = item.content ?? null;
  const texts = Array.isArray(content) ? content.flatMap(part) : null;
  const isText = texts?.every((one) => one.type === "text");
  const value = isText ? texts?.map((one) => ("text" in one ? one.text : "")).join("\n") : content;
  return result(word(item.tool_call_id), word(item.name), value ?? null, item.status === "error");
}

const result = (id: string, name: string, value: Json, isError: boolean): Part => ({
  type: "tool_result",
  id,
  name,
  value: typeof value === "string" ? parsed(value) : value,
  isError,
});

/** JSON that was sent as text, as what it is; other text stays text. */
export function parsed(text: string): Json {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function reasoningOf(item: Fields): Part[] {
  const text = word(item.reasoning_content) || word(item.reasoning) || word(item.thinking);
  return text ? [{ type: "reasoning", text }] : [];
}

function contentOf(item: Fields): Part[] {
  const given = [item.content, item.blocks, item.parts].filter((one) => one !== undefined);
  return given.flatMap((one) => (Array.isArray(one) ? one : [one as Json])).flatMap(part);
}

function callsOf(item: Fields): Part[] {
  const more = isFields(item.additional_kwargs) ? item.additional_kwargs.tool_calls : null;
  const given = item.tool_calls ?? more ?? (isFields(item.function_call) ? [item.function_call] : []);
  return (Array.isArray(given) ? given : []).filter(isFields).map((call) => {
    const f = isFields(call.function) ? call.function : isFields(call.custom) ? call.custom : call;
    return toolCall(word(call.id), f.name, f.arguments ?? f.args ?? f.input);
  });
}

const toolCall = (id: string, name: Json | undefined, args: Json | undefined): Part => ({
  type: "tool_call",
  id,
  name: word(name) || "?",
  args: typeof args === "string" ? parsed(args) : (args ?? null),
});

function part(given: Json): Part[] {
  if (given === null || given === "") return [];
  if (typeof given === "string") return [{ type: "text", text: given }];
  if (!isFields(given)) return [{ type: "other", value: given }];
  const type = word(given.type) || word(given.block_type);
  const read = READERS[type] ?? Object.entries(SHAPES).find(([key]) => key in given)?.[1];
  const found = read?.(given);
  if (found) return found;
  return typeof given.text === "string"
    ? [{ type: "text", text: given.text }]
    : [{ type: "other", value: given }];
}

type Reader = (part: Fields) => Part[] | null;

const READERS: Record<string, Reader> = {
  refusal: (p) => [{ type: "refusal", text: word(p.refusal) }],
  thinking: (p) => [{ type: "reasoning", text: word(p.thinking) }],
  reasoning: (p) => [{ type: "reasoning", text: summary(p) }],
  tool_use: (p) => [toolCall(word(p.id), p.name, p.input)],
  function_call: (p) => [toolCall(word(p.call_id) || word(p.id), p.name, p.arguments)],
  tool_result: (p) => [
    {
      ...(toolResult(p) as Part & { type: "tool_result" }),
      id: word(p.tool_use_id),
      isError: p.is_error === true,
    },
  ],
  image_url: (p) => [image(isFields(p.image_url) ? word(p.image_url.url) : word(p.image_url))],
  input_image: (p) => [image(word(p.image_url))],
  image: (p) => [image(sourceOf(p))],
  input_audio: (p) => (isFields(p.input_audio) ? [audio(p.input_audio)] : null),
  audio: (p) => [{ type: "audio", name: "audio", url: sourceOf(p) }],
  file: (p) => [file(isFields(p.file) ? p.file : p)],
  input_file: (p) => [file(p)],
  document: (p) => [{ type: "file", name: word(p.title) || "document", url: sourceOf(p) }],
};

const SHAPES: Record<string, Reader> = {
  functionCall: (p) =>
    isFields(p.functionCall) ? [toolCall("", p.functionCall.name, p.functionCall.args)] : null,
  functionResponse: (p) =>
    isFields(p.functionResponse)
      ? [result("", word(p.functionResponse.name), p.functionResponse.response ?? null, false)]
      : null,
  inlineData: (p) =>
    isFields(p.inlineData) ? [image(dataUrl(word(p.inlineData.mimeType), word(p.inlineData.data)))] : null,
};

function summary(p: Fields): string {
  const list =
    Array.isArray(p.summary) && p.summary.length ? p.summary : Array.isArray(p.content) ? p.content : [];
  return list.map((one) => (isFields(one) ? word(one.text) : word(one))).join("\n\n") || word(p.text);
}

const image = (url: string): Part => ({ type: "image", name: "image", url });

const audio = (p: Fields): Part => ({
  type: "audio",
  name: "audio",
  url: word(p.data) ? dataUrl(`audio/${word(p.format) || "wav"}`, word(p.data)) : word(p.url),
});

const file = (p: Fields): Part => ({
  type: "file",
  name: word(p.filename) || word(p.file_id) || "file",
  url: word(p.file_data) || word(p.file_url),
});

const dataUrl = (mime: string, data: string) => `data:${mime};base64,${data}`;

/** Anthropic's and LlamaIndex's sources. */
function sourceOf(p: Fields): string {
  const source = isFields(p.source) ? p.source : p;
  const data = word(source.data) || word(source.image);
  const mime =
    word(source.media_type) || word(source.image_mimetype) || word(source.mime_type) || "image/png";
  return data
    ? data.startsWith("data:")
      ? data
      : dataUrl(mime, data)
    : word(source.url) || word(source.path);
}

const CONVERSATION = [
  "messages",
  "input",
  "contents",
  "system",
  "instructions",
  "system_instruction",
  "prompt",
];

/** What a request says beside its messages: parameters, and the tools offered. */
export function parametersOf(value: Json): { parameters: Fields; tools: Json[] } {
  if (!isFields(value)) return { parameters: {}, tools: [] };
  const parameters: Fields = {};
  for (const [key, one] of Object.entries(value))
    if (!CONVERSATION.includes(key) && key !== "tools" && one !== null) parameters[key] = one;
  return { parameters, tools: Array.isArray(value.tools) ? value.tools : [] };
}

export const toolName = (tool: Json): string => {
  if (!isFields(tool)) return "?";
  return word(isFields(tool.function) ? tool.function.name : tool.name) || word(tool.type) || "?";
};

/** Tool names by call id, so that a result can say what it answers. */
export function callNames(messages: readonly Message[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { parts } of messages)
    for (const one of parts) if (one.type === "tool_call" && one.id) names.set(one.id, one.name);
  return names;
}
