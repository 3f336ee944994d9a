/** A conversation as the server reads it out of a span, made ready to be drawn. */

import type { Json, Message, Part } from "../api/types";
import { safeAudio, safeImage } from "./hygiene";

/** JSON that was sent as text, as what it is; other text stays text. */
export function parsed(text: string): Json {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** What a tool was called with or answered. */
export function toolValue(part: Part): Json {
  const given = part.args ?? part.text ?? null;
  return typeof given === "string" ? parsed(given) : given;
}

/** Tool names by call id, so that a result can say what it answers. */
export function callNames(messages: readonly Message[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { parts } of messages)
    for (const part of parts) if (part.type === "tool_call" && part.id) names.set(part.id, part.name ?? "");
  return names;
}

/** Where the bytes of a part may be shown from: our own blobs, or inline and of a harmless kind; else nowhere. */
export function sourceOf(part: Part, base: string): string | null {
  if (part.blob && /^[0-9a-f]{64}$/.test(part.blob)) return `${base}/api/v1/blobs/${part.blob}`;
  if (!part.data) return null;
  const url = `data:${part.mime ?? (part.type === "audio" ? "audio/wav" : "image/png")};base64,${part.data}`;
  return part.type === "audio" ? safeAudio(url) : safeImage(url);
}

type Fields = { [key: string]: Json };

const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const toolName = (tool: Json): string => {
  if (!isFields(tool)) return "?";
  const name = isFields(tool.function) ? tool.function.name : tool.name;
  return typeof name === "string" ? name : typeof tool.type === "string" ? tool.type : "?";
};

/** Parameters of a request, without its tools, and the tools. */
export function parametersOf(params: Fields | null): { parameters: Fields; tools: Json[] } {
  const parameters: Fields = {};
  for (const [key, one] of Object.entries(params ?? {}))
    if (key !== "tools" && one !== null) parameters[key] = one;
  const tools = params?.tools;
  return { parameters, tools: Array.isArray(tools) ? tools : [] };
}
