import { useSyncExternalStore } from "react";
import { remember } from "./remember";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

const listeners = new Set<() => void>();
const dark = window.matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => listeners.forEach((listener) => void listener()));

const chosen = (): Theme => (document.documentElement.dataset.theme as Theme | undefined) ?? "system";

export function setTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The theme somebody chose. */
export const useTheme = () => useSyncExternalStore(subscribe, chosen);

/** Changes with what is on the screen, for canvases. */
export const useIsDark = () =>
  useSyncExternalStore(subscribe, () => chosen() === "dark" || (chosen() === "system" && dark.matches));
