import { useEffect, useRef } from "react";
import { remember, remembered } from "./remember";

/**
 * The keys of the page: one listener, and a list of what is bound, which the help shows.
 * `keys`: alternatives by `|`; `g t` is one after the other; `mod+k` is Ctrl, or Cmd on a Mac.
 */
export interface Binding {
  keys: string;
  label: string;
  run?: (event: KeyboardEvent) => void; // without one it is only listed: a widget takes the key itself
  inFields?: boolean; // also while somebody types
}

export interface KeyGroup {
  name: string;
  bindings: Binding[];
}

const groups: { current: KeyGroup }[] = [];
const SEQUENCE_MS = 1200;
let before = "";
let timer = 0;

/** Bind keys while a component is there; the newest component wins. */
export function useKeys(name: string, bindings: Binding[]): void {
  const group = useRef<KeyGroup>({ name, bindings });
  group.current = { name, bindings };
  useEffect(() => {
    groups.push(group);
    return () => {
      groups.splice(groups.indexOf(group), 1);
    };
  }, []);
}

/** What is bound now, for the help. */
export function boundKeys(): KeyGroup[] {
  const merged = new Map<string, Binding[]>();
  for (const { current } of groups) {
    if (!current.bindings.length) continue;
    merged.set(current.name, [...(merged.get(current.name) ?? []), ...current.bindings]);
  }
  return [...merged].map(([name, bindings]) => ({ name, bindings }));
}

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** `mod+k` as its keys read on this machine. */
export const keyCaps = (keys: string): string[] =>
  keys
    .split(/[+ ]/)
    .map((part) => (part === "mod" ? (isMac ? "⌘" : "Ctrl") : (CAPS[part] ?? capOf(keys, part))));

/** With Ctrl as it stands on the key; alone, `x` and `X` are two keys. */
const capOf = (keys: string, part: string) =>
  keys.startsWith("mod+") && part.length === 1 ? part.toUpperCase() : part;

const CAPS: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  PageUp: "PgUp",
  PageDown: "PgDn",
  Escape: "Esc",
};

function name(event: KeyboardEvent): string {
  const key = event.key === " " ? "Space" : event.key;
  const mod = event.ctrlKey || event.metaKey ? "mod+" : "";
  const shift = event.shiftKey && key.length > 1 ? "Shift+" : "";
  return `${mod}${shift}${mod && key.length === 1 ? key.toLowerCase() : key}`;
}

const TYPED = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]"; // takes letters itself

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches(TYPED);
}

/** Single letters can be turned off: some speech input types them by accident (WCAG 2.1.4). */
export const singleKeys = {
  get: () => remembered("single-keys") !== "off",
  set: (isOn: boolean) => remember("single-keys", isOn ? "on" : "off"),
};

function listen(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const pressed = name(event);
  const sequence = before ? `${before} ${pressed}` : pressed;
  const inField = isTyping(event.target);
  // A dialog or an open sheet takes the keys: its own Escape must not leave the page, too.
  const isModal = document.querySelector("dialog:modal, [popover]:popover-open") !== null;
  const find = (keys: string) => {
    for (let n = groups.length - 1; n >= 0; n--) {
      const found = groups[n]?.current.bindings.find((b) => b.run && b.keys.split("|").includes(keys));
      if (found && (!(inField || isModal) || found.inFields)) return found;
    }
    return undefined;
  };
  const found = find(sequence) ?? find(pressed);
  const isLetter = pressed.length === 1 || before !== "";
  clearTimeout(timer);
  before = "";
  if (found && !(isLetter && !singleKeys.get())) {
    if (
      (pressed === "Space" || pressed === "Enter") &&
      event.target instanceof HTMLElement &&
      event.target.matches("button, a, summary, input")
    )
      return; // a button in focus takes its own key
    event.preventDefault();
    found.run?.(event);
  } else if (!inField && !isModal && isBeginning(pressed)) {
    before = pressed;
    timer = window.setTimeout(() => {
      before = "";
    }, SEQUENCE_MS);
  }
}

const isBeginning = (pressed: string) =>
  groups.some((g) =>
    g.current.bindings.some((b) => b.keys.split("|").some((k) => k.startsWith(`${pressed} `))),
  );

window.addEventListener("keydown", listen);
