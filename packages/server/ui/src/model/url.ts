/** State kept in the address: each parameter has a reader, a writer and a default that is not written. */

export interface Param<T> {
  read: (text: string) => T;
  write: (value: T) => string;
  initial: T;
}

// biome-ignore lint/suspicious/noExplicitAny: each parameter has a type of its own
export type Spec = Record<string, Param<any>>;
export type State<S> = { [K in keyof S]: S[K] extends Param<infer T> ? T : never };

export const text = (initial = ""): Param<string> => ({ read: (t) => t, write: (v) => v, initial });

export const flag = (initial = false): Param<boolean> => ({
  read: (t) => t === "1",
  write: (v) => (v ? "1" : "0"),
  initial,
});

/** One of a few words; anything else reads as the default. */
export const choice = <T extends string>(allowed: readonly T[], initial: T): Param<T> => ({
  read: (t) => (allowed.includes(t as T) ? (t as T) : initial),
  write: (v) => v,
  initial,
});

/** Names in order; commas inside a name are escaped. */
export const list = (initial: readonly string[] = []): Param<readonly string[]> => ({
  read: (t) => (t ? t.split(",").map((part) => part.replaceAll("%2C", ",").replaceAll("%25", "%")) : []),
  write: (v) => v.map((part) => part.replaceAll("%", "%25").replaceAll(",", "%2C")).join(","),
  initial,
});

/** Two numbers, `a-b`; null for none. */
export const span = (): Param<readonly [number, number] | null> => ({
  read: (t) => {
    const found = /^(-?\d+)\.\.(-?\d+)$/.exec(t);
    const [from, to] = [Number(found?.[1]), Number(found?.[2])];
    return found && from < to ? [from, to] : null;
  },
  write: (v) => (v ? `${Math.round(v[0])}..${Math.round(v[1])}` : ""),
  initial: null,
});

export function readState<S extends Spec>(spec: S, search: string): State<S> {
  const params = new URLSearchParams(search);
  const state: Record<string, unknown> = {};
  for (const [name, param] of Object.entries(spec)) {
    const given = params.get(name);
    state[name] = given === null ? param.initial : param.read(given);
  }
  return state as State<S>;
}

/** The search with some parameters changed; those nobody knows stay as they are. */
export function writeState<S extends Spec>(spec: S, search: string, patch: Partial<State<S>>): string {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(patch)) {
    const param = spec[name] as Param<unknown>;
    const written = param.write(value);
    if (written === param.write(param.initial)) params.delete(name);
    else params.set(name, written);
  }
  return params.toString();
}
