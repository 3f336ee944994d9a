import { useSyncExternalStore } from "react";

/** Whether the server wants a key that this browser has not given: set by the first 401. */
let isClosed = false;
const listeners = new Set<() => void>();

function change(to: boolean): void {
  if (isClosed === to) return;
  isClosed = to;
  for (const listener of listeners) listener();
}

export const closeDoor = () => change(true);
export const openDoor = () => change(false);

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useIsClosed = () => useSyncExternalStore(subscribe, () => isClosed);
