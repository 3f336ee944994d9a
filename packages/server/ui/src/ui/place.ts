/** Where somebody was in a list when they left it, for when they come back or reload. */

export interface Place {
  id: string; // of the active row
  column: number;
  scroll: number; // px
}

const STORE = "trailmark-places";
const places = new Map<string, Place>(kept());
const entry = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined;
let isBack = entry?.type === "reload" || entry?.type === "back_forward";

window.addEventListener("popstate", () => {
  isBack = true;
});
window.addEventListener("pushState", () => {
  isBack = false; // the router says so with every step ahead
});
window.addEventListener("pagehide", () => {
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...places].slice(-20)));
  } catch {
    // Nothing is kept.
  }
});

export const leave = (address: string, place: Place) => places.set(address, place);

/** Of an address one came back to; none for one that was opened anew. */
export const placeIn = (address: string): Place | undefined => (isBack ? places.get(address) : undefined);

function kept(): [string, Place][] {
  try {
    return JSON.parse(sessionStorage.getItem(STORE) ?? "[]") as [string, Place][];
  } catch {
    return [];
  }
}
