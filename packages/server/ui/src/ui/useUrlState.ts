import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { readState, type Spec, type State, writeState } from "../model/url";

const SETTLE_MS = 120;

export type SetState<S> = (patch: Partial<State<S>>, how?: "push" | "replace") => void;

/**
 * State in the address. `push` makes a step for Back; `replace` shows at once and reaches the address when it settles,
 * as browsers refuse hundreds of address changes in a row (a held key). Once per page: pass it down.
 */
export function useUrlState<S extends Spec>(spec: S): [State<S>, SetState<S>] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const [waiting, setWaiting] = useState<string | null>(null);
  const now = useRef({ search, path, navigate, timer: 0, shown: search });
  Object.assign(now.current, { search, path, navigate, shown: waiting ?? search });
  useEffect(() => {
    // Back, Forward or a link: what had not settled yet is gone.
    void search;
    clearTimeout(now.current.timer);
    setWaiting(null);
  }, [search]);
  useEffect(() => () => clearTimeout(now.current.timer), []);
  const set = useCallback<SetState<S>>(
    (patch, how = "replace") => {
      const at = now.current;
      const next = writeState(spec, at.shown, patch);
      at.shown = next;
      clearTimeout(at.timer);
      const go = () => at.navigate(next ? `${at.path}?${next}` : at.path, { replace: how === "replace" });
      if (how === "push") {
        go();
      } else {
        setWaiting(next);
        at.timer = window.setTimeout(go, SETTLE_MS);
      }
    },
    [spec],
  );
  const shown = waiting ?? search;
  return [useMemo(() => readState(spec, shown), [spec, shown]), set];
}
