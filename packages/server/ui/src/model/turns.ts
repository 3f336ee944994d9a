/** A thread as a conversation: what was said in each turn, and how long between them. */

import type { Json, Turn } from "../api/types";

type Fields = { [key: string]: Json };

const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The words of a value that has one obvious text: itself, its only text, or its last message; null when none is. */
export function spoken(value: Json): string | null {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return lastMessage(value);
  if (!isFields(value)) return null;
  if (Array.isArray(value.messages)) return lastMessage(value.messages);
  if (Array.isArray(value.choices)) return isFields(value.choices[0]) ? spoken(value.choices[0]) : null;
  if (isFields(value.message)) return contentOf(value.message.content);
  if (value.role !== undefined) return contentOf(value.content);
  const texts = Object.values(value).filter((one) => one !== null);
  return texts.length === 1 ? spoken(texts[0] as Json) : null;
}

function lastMessage(messages: Json[]): string | null {
  const last = messages.at(-1);
  return isFields(last) && "content" in last ? contentOf(last.content) : null;
}

function contentOf(content: Json | undefined): string | null {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return null;
  const texts = content.flatMap((part) =>
    isFields(part) && typeof part.text === "string" ? [part.text] : [],
  );
  return texts.length ? texts.join("\n\n") : null;
}

const GAP_US = 1_800_000_000;

/** `3 h later` when so much time passed since the turn before; null for what is still one sitting. */
export function gapBefore(turn: Turn, before: Turn | undefined): string | null {
  if (!before) return null;
  const gap = turn.start_us - (before.start_us + Math.max(before.dur_us, 0));
  if (gap < GAP_US) return null;
  const minutes = Math.round(gap / 60e6);
  if (minutes < 60) return `${minutes} min later`;
  const hours = Math.round(minutes / 60);
  if (hours < 48) return `${hours} h later`;
  return `${Math.round(hours / 24)} days later`;
}

export interface ThreadTotals {
  dur_us: number; // of the turns, without the time between them
  tin: number;
  tout: number;
  cost: number | null;
  errors: number;
}

export function totalsOf(turns: readonly Turn[]): ThreadTotals {
  const totals: ThreadTotals = { dur_us: 0, tin: 0, tout: 0, cost: null, errors: 0 };
  for (const turn of turns) {
    totals.dur_us += Math.max(turn.dur_us, 0);
    totals.tin += turn.tin;
    totals.tout += turn.tout;
    if (turn.cost !== null) totals.cost = (totals.cost ?? 0) + turn.cost;
    if (turn.status === "error" || turn.errors) totals.errors += 1;
  }
  return totals;
}
