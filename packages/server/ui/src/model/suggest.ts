/** What the filter bar is asked for at the caret: a field's name, or a value of a field. Never touches other text. */

export interface Asked {
  kind: "field" | "value";
  field: string; // of a value
  prefix: string;
  start: number; // what an accepted suggestion replaces
  end: number;
}

const TOKEN = /(?:[^\s()"]|"(?:[^"\\]|\\.)*"?)+$/;
const FIELD_OP = /^(-?)([A-Za-z_]\w*(?:\.[\w\-.]+)*)(!=|>=|<=|[:=<>~])(.*)$/s;

/** By the text before the caret; null inside a finished quotation. */
export function askedAt(text: string, caret: number): Asked {
  const before = text.slice(0, caret);
  const token = TOKEN.exec(before)?.[0] ?? "";
  const start = caret - token.length;
  const found = FIELD_OP.exec(token);
  if (!found) {
    const minus = token.startsWith("-") ? 1 : 0;
    return { kind: "field", field: "", prefix: token.slice(minus), start: start + minus, end: caret };
  }
  const value = found[4] as string;
  return {
    kind: "value",
    field: found[2] as string,
    prefix: value.replace(/^"/, "").replaceAll(/\\(.)/g, "$1"),
    start: caret - value.length,
    end: caret,
  };
}

/** The text with a suggestion in place of what was asked for, and where the caret goes. */
export function accepted(text: string, asked: Asked, suggestion: string): { text: string; caret: number } {
  const isField = asked.kind === "field";
  const rest = text.slice(asked.end);
  const put = isField ? `${suggestion}:` : `${suggestion}${rest.startsWith(" ") ? "" : " "}`;
  return { text: text.slice(0, asked.start) + put + rest, caret: asked.start + put.length };
}

/** A query with one more condition; once is enough. */
export function withCondition(query: string, condition: string): string {
  const parts = query.trim();
  return ` ${parts} `.includes(` ${condition} `) ? parts : `${parts} ${condition}`.trim();
}
