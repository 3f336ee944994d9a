import { type RefObject, useEffect } from "react";

/** Takes the focus when nobody has it, so that arrows and screen readers begin at what the page is about. */
export function useFirstFocus(ref: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    if (document.activeElement === document.body) ref.current?.focus({ preventScroll: true });
  }, [ref]);
}
