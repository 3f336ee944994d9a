/** Which traces of a queue have been scored, in the filter language. */

import type { ScoreDef } from "../api/types";

const SAYABLE = /^[\w.-]+$/; // a name with a space in it is none the filter can ask for

/** The condition that a trace has every defined score, by whoever; empty when that cannot be asked. */
export const scoredQuery = (defs: readonly ScoreDef[]): string =>
  defs.every((def) => SAYABLE.test(def.name)) ? defs.map((def) => `score.${def.name}:*`).join(" ") : "";

/** The queue's own query and one condition more. */
export const both = (q: string, condition: string): string =>
  q.trim() ? `(${q.trim()}) ${condition}` : condition;
