/** Scores given by hand: what a definition allows, and which keys give which value. */

import type { KnownScore, ScoreDef } from "../api/types";

export interface Judgement {
  value: number | boolean | null;
  label: string | null;
}

/** Where nothing is defined: a score out of five and a yes or no. */
export const USUAL: readonly ScoreDef[] = [
  { name: "rating", type: "numeric", description: "", min: 1, max: 5, categories: [] },
  { name: "correct", type: "boolean", description: "", min: null, max: null, categories: [] },
];

/** The values one can choose from, each with its key; empty where one types. */
export function choicesOf(def: ScoreDef): { key: string; name: string; judgement: Judgement }[] {
  if (def.type === "boolean")
    return [
      { key: "y", name: "yes", judgement: { value: true, label: null } },
      { key: "n", name: "no", judgement: { value: false, label: null } },
    ];
  if (def.type === "categorical")
    return (def.categories ?? []).slice(0, 9).map((label, n) => ({
      key: String(n + 1),
      name: label,
      judgement: { value: null, label },
    }));
  const { min = null, max = null } = def;
  if (def.type !== "numeric" || min === null || max === null) return [];
  if (!Number.isInteger(min) || !Number.isInteger(max) || max - min > 8) return [];
  if (max - min < 2) return []; // a share, such as 0.8
  return Array.from({ length: max - min + 1 }, (_, n) => ({
    key: String(n + 1),
    name: String(min + n),
    judgement: { value: min + n, label: null },
  }));
}

/** What somebody typed, or why it cannot be. */
export function judged(def: ScoreDef, typed: string): Judgement | { fault: string } {
  const text = typed.trim();
  if (!text) return { fault: "Empty" };
  if (def.type === "text" || def.type === "categorical") return { value: null, label: text };
  if (def.type === "boolean") {
    if (/^(y|yes|true|1)$/i.test(text)) return { value: true, label: null };
    return /^(n|no|false|0)$/i.test(text) ? { value: false, label: null } : { fault: "Yes or no" };
  }
  const value = Number(text.replace(",", "."));
  if (!Number.isFinite(value)) return { fault: "A number" };
  if (def.min != null && value < def.min) return { fault: `At least ${def.min}` };
  if (def.max != null && value > def.max) return { fault: `At most ${def.max}` };
  return { value, label: null };
}

/** What this person gave under a name. */
export const mine = (scores: readonly KnownScore[], name: string, author: string): KnownScore | undefined =>
  scores.find((score) => score.name === name && score.source === "ui" && score.author === author);

/** The same judgement: a choice that is chosen already. */
export const isSame = (a: Judgement | undefined, b: Judgement): boolean =>
  a !== undefined && a.value === b.value && a.label === b.label;
