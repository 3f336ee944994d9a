import { useSyncExternalStore } from "react";

interface Toast {
  id: number;
  text: string;
  isError: boolean;
  undo?: () => void;
}

const SHOWN_MS = 5000;
let toasts: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function change(to: readonly Toast[]): void {
  toasts = to;
  for (const listener of listeners) listener();
}

/** Say shortly what happened; errors stay until they are dismissed. */
export function toast(text: string, options: { isError?: boolean; undo?: () => void } = {}): void {
  const id = next++;
  const { isError = false, undo } = options;
  change([...toasts.slice(-3), { id, text, isError, ...(undo && { undo }) }]);
  if (!isError) setTimeout(() => dismiss(id), SHOWN_MS);
}

const dismiss = (id: number) => change(toasts.filter((t) => t.id !== id));

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="status">
      {shown.map((one) => (
        <div key={one.id} className={one.isError ? "toast toast-error" : "toast"}>
          <span>{one.text}</span>
          {one.undo && (
            <button
              type="button"
              onClick={() => {
                one.undo?.();
                dismiss(one.id);
              }}
            >
              Undo
            </button>
          )}
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(one.id)}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
