import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import { api } from "../api/client";
import { count } from "../model/format";
import { tracesPath } from "../model/paths";

/** Mark, project switch, whatever the page adds, theme. */
export function TopBar({ project, children }: { project?: string; children?: ReactNode }) {
  return (
    <header className="topbar">
      <Link href="/" className="mark" aria-label="trailmark, all projects">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <rect x="1" y="2.5" width="14" height="3" rx="1.2" className="mark-1" />
          <rect x="4" y="6.75" width="8" height="3" rx="1.2" className="mark-2" />
          <rect x="7" y="11" width="6" height="3" rx="1.2" className="mark-3" />
        </svg>
        <span>trailmark</span>
      </Link>
      {project !== undefined && <ProjectSwitch project={project} />}
      <div className="topbar-more">{children}</div>
      <ThemeButton />
    </header>
  );
}

function ProjectSwitch({ project }: { project: string }) {
  const [, navigate] = useLocation();
  const projects = useQuery({ queryKey: ["projects"], queryFn: ({ signal }) => api.projects(signal) });
  const known = projects.data ?? [];
  return (
    <select
      className="project-switch"
      aria-label="Project"
      value={project}
      onChange={(event) => navigate(tracesPath(event.target.value))}
    >
      {!known.some((p) => p.name === project) && <option value={project}>{project}</option>}
      {known.map((p) => (
        <option key={p.name} value={p.name}>
          {p.name} · {count(p.traces)}
        </option>
      ))}
    </select>
  );
}

type Theme = "system" | "light" | "dark";
const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const GLYPH: Record<Theme, string> = { system: "◐", light: "○", dark: "●" };

function ThemeButton() {
  const [theme, setTheme] = useState<Theme>((document.documentElement.dataset.theme as Theme) ?? "system");
  const choose = () => {
    const next = NEXT[theme];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Storage is closed: the choice holds until the page is left.
    }
    setTheme(next);
  };
  return (
    <button
      type="button"
      className="icon-button"
      onClick={choose}
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}`}
    >
      {GLYPH[theme]}
    </button>
  );
}
