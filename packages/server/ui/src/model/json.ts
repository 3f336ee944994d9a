/** A JSON value as lines of one height: flat, without recursion, only what is open. */

import type { Json } from "../api/types";

export interface JsonLine {
  path: string; // of the value; lines of an open text have `path#n`
  of: string; // path of the value it belongs to
  key: string | null;
  depth: number;
  kind: "object" | "array" | "leaf" | "text";
  value: Json;
  size: number; // members, or characters of a text
  isOpen: boolean | null; // null: nothing to open
}

const LONG_TEXT = 90;
const WRAP = 110;
const MOST_LINES = 2000; // of one text
const GROUP = 1000; // items; a list of more than two groups shows its groups first

export const childPath = (path: string, key: string, isIndex: boolean): string =>
  isIndex
    ? `${path}[${key}]`
    : /^[A-Za-z_$][\w$]*$/.test(key)
      ? `${path}.${key}`
      : `${path}[${JSON.stringify(key)}]`;

const isGrouped = (size: number) => size > 2 * GROUP;
const groupPath = (path: string, from: number, to: number) => `${path}[${from}…${to - 1}]`;

/** The groups of a long list: where each begins and ends. */
function groupsOf(size: number): [from: number, to: number][] {
  return Array.from({ length: Math.ceil(size / GROUP) }, (_, n) => [
    n * GROUP,
    Math.min((n + 1) * GROUP, size),
  ]);
}

export type IsOpen = (path: string, depth: number, size: number) => boolean;

const isBranch = (value: Json): value is Json[] | { [key: string]: Json } =>
  typeof value === "object" && value !== null;
const isLong = (value: Json): value is string =>
  typeof value === "string" && (value.length > LONG_TEXT || value.includes("\n"));

interface Frame {
  value: Json;
  path: string;
  key: string | null;
  depth: number;
  group: { of: string; from: number; size: number } | null; // of a long list
}

/** What is to be seen, top to bottom. */
export function jsonLines(value: Json, isOpen: IsOpen): JsonLine[] {
  const lines: JsonLine[] = [];
  const stack: Frame[] = [{ value, path: "$", key: null, depth: 0, group: null }];
  while (stack.length) {
    const frame = stack.pop() as Frame;
    const { value: one, path, key, depth, group } = frame;
    if (!isBranch(one)) {
      const long = isLong(one);
      const size = long ? one.length : 0;
      const open = long ? isOpen(path, depth, size) : null;
      lines.push({ path, of: path, key, depth, kind: "leaf", value: one, size, isOpen: open });
      if (long && open) lines.push(...textLines(one, path, depth + 1));
      continue;
    }
    const size = Array.isArray(one) ? one.length : Object.keys(one).length;
    // Of a long list's groups, only the first opens by itself: the others count as large as the list.
    const counted = group?.from ? group.size : size;
    const open = size > 0 && (depth === 0 || isOpen(path, depth, counted));
    const kind = Array.isArray(one) ? "array" : "object";
    lines.push({
      path,
      of: group?.of ?? path,
      key,
      depth,
      kind,
      value: one,
      size,
      isOpen: size ? open : null,
    });
    if (open) for (const child of below(frame, one).reverse()) stack.push(child);
  }
  return lines;
}

/** Members, or the groups of a long list. */
function below({ path, depth, group }: Frame, one: Json[] | { [key: string]: Json }): Frame[] {
  const at = { depth: depth + 1, group: null };
  if (!Array.isArray(one))
    return Object.keys(one).map((key) => ({
      value: one[key] as Json,
      path: childPath(path, key, false),
      key,
      ...at,
    }));
  if (isGrouped(one.length) && !group)
    return groupsOf(one.length).map(([from, to]) => ({
      value: one.slice(from, to),
      path: groupPath(path, from, to),
      key: `${from} … ${to - 1}`,
      depth: depth + 1,
      group: { of: path, from, size: one.length },
    }));
  const [of, from] = group ? [group.of, group.from] : [path, 0];
  return one.map((value, n) => ({
    value,
    path: childPath(of, String(from + n), true),
    key: String(from + n),
    ...at,
  }));
}

function textLines(text: string, path: string, depth: number): JsonLine[] {
  return wrapped(text).map((line, n) => ({
    path: `${path}#${n}`,
    of: path,
    key: null,
    depth,
    kind: "text" as const,
    value: line,
    size: 0,
    isOpen: null,
  }));
}

/** Lines of a text, long ones broken at a space where there is one. */
export function wrapped(text: string, width = WRAP): string[] {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    let rest = line;
    while (rest.length > width && lines.length < MOST_LINES) {
      const space = rest.lastIndexOf(" ", width);
      const cut = space > width / 2 ? space + 1 : width;
      lines.push(rest.slice(0, cut));
      rest = rest.slice(cut);
    }
    if (lines.length >= MOST_LINES) return [...lines, "… (copy it to see the rest)"];
    lines.push(rest);
  }
  return lines;
}

/** How a closed branch reads: its first keys, or how many items. */
export function preview(value: Json): string {
  if (Array.isArray(value)) return value.length === 1 ? "1 item" : `${value.length} items`;
  if (!isBranch(value)) return "";
  const keys = Object.keys(value);
  const shown = keys.slice(0, 4).join(", ");
  return keys.length > 4 ? `${shown}, … ${keys.length} fields` : shown;
}

/** Whether a value has more than `most` members in all; stops counting there. */
export function isLarge(value: Json, most: number): boolean {
  let count = 0;
  const stack: Json[] = [value];
  while (stack.length) {
    const one = stack.pop() as Json;
    if (++count > most) return true;
    if (isBranch(one)) for (const child of Array.isArray(one) ? one : Object.values(one)) stack.push(child);
  }
  return false;
}

const MOST_FOUND = 1000;

/** Paths whose key or value contains the text, in order, and every path above them. */
export function jsonSearch(value: Json, text: string): { found: string[]; above: Set<string> } {
  const wanted = text.toLowerCase();
  const found: string[] = [];
  const above = new Set<string>();
  type Place = { value: Json; path: string; key: string; parent: Place | null };
  const stack: Place[] = [{ value, path: "$", key: "", parent: null }];
  while (stack.length && found.length < MOST_FOUND) {
    const place = stack.pop() as Place;
    const { value: one, path, key } = place;
    const isHit =
      key.toLowerCase().includes(wanted) || (!isBranch(one) && String(one).toLowerCase().includes(wanted));
    if (isHit) {
      found.push(path);
      for (let up = place.parent; up && !above.has(up.path); up = up.parent) above.add(up.path);
    }
    if (!isBranch(one)) continue;
    const isList = Array.isArray(one);
    const keys = isList ? [...one.keys()].map(String) : Object.keys(one);
    const groups =
      isList && isGrouped(one.length)
        ? groupsOf(one.length).map(
            ([from, to]): Place => ({ value: null, path: groupPath(path, from, to), key: "", parent: place }),
          )
        : null;
    for (let n = keys.length - 1; n >= 0; n--) {
      const name = keys[n] as string;
      const child = (isList ? one[n] : one[name]) as Json;
      const parent = groups?.[Math.floor(n / GROUP)] ?? place;
      stack.push({ value: child, path: childPath(path, name, isList), key: name, parent });
    }
  }
  return { found, above };
}
