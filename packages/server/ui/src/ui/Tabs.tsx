import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef } from "react";

export interface Tab {
  id: string;
  label: string;
  badge?: number;
  content: () => ReactNode;
}

/** Tabs by the ARIA pattern: arrows move, only the open panel is rendered. */
export function Tabs({ tabs, open, onOpen }: { tabs: Tab[]; open: string; onOpen: (id: string) => void }) {
  const base = useId();
  const bar = useRef<HTMLDivElement>(null);
  const at = Math.max(
    0,
    tabs.findIndex((tab) => tab.id === open),
  );
  const current = tabs[at];
  // biome-ignore lint/correctness/useExhaustiveDependencies: where they do not all fit, the open one is in sight
  useEffect(() => {
    bar.current
      ?.querySelector("[aria-selected=true]")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [at]);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (at + step + tabs.length) % tabs.length;
    onOpen((tabs[next] as Tab).id);
    bar.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  };
  if (!current) return null;
  return (
    <>
      <div className="tabs" role="tablist" ref={bar} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${base}-${tab.id}`}
            aria-selected={tab === current}
            aria-controls={`${base}-panel`}
            tabIndex={tab === current ? 0 : -1}
            onClick={() => onOpen(tab.id)}
          >
            {tab.label}
            {tab.badge !== undefined && tab.badge > 0 && <span className="badge">{tab.badge}</span>}
          </button>
        ))}
      </div>
      <div
        className="tab-panel"
        role="tabpanel"
        id={`${base}-panel`}
        aria-labelledby={`${base}-${current.id}`}
      >
        {current.content()}
      </div>
    </>
  );
}
