/** Which traces of a queue have been scored, in the filter language. */

import type { ScoreDef } from "../api/types";
import { keyed, quoted } from "./paths";

/** The condition that somebody gave a trace every score there is to give. */
export const scoredQuery = (defs: readonly ScoreDef[], author: string): string =>
  defs.map((def) => `${keyed("scored", def.name)}:${quoted(author)}`).join(" ");

/** The queue's own query and one condition more. */
export const both = (q: string, condition: string): string =>
  q.trim() ? `(${q.trim()}) ${condition}` : condition;
