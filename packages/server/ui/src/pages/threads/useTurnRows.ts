import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useRef } from "react";
import type { Turn } from "../../api/types";

const GUESS_PX = 180;

/** Turns of any height, of which only those in sight exist. Begins at the turn the address names. */
export function useTurnRows(
  scroller: RefObject<HTMLDivElement | null>,
  turns: readonly Turn[],
  turn: string,
) {
  const virtual = useVirtualizer<HTMLDivElement, HTMLLIElement>({
    count: turns.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => GUESS_PX,
    getItemKey: (n) => turns[n]?.trace_id ?? n,
    overscan: 4,
  });
  const wanted = useRef(turn);
  useEffect(() => {
    const at = turns.findIndex((one) => one.trace_id === wanted.current);
    if (at < 0) return;
    wanted.current = "";
    virtual.scrollToIndex(at, { align: "start" });
  }, [turns, virtual]);
  return { virtual, isReady: turns.length > 0 };
}
