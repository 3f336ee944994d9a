import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { pagePath } from "../model/paths";
import { ROUTES } from "../routes";
import { KeyCaps } from "./Help";
import { Menu } from "./Popover";
import { setTheme, THEMES, useTheme } from "./theme";

interface Props {
  project: string;
  path: string; // the pattern of the page that is open
  onProjects: () => void;
  onPalette: () => void;
  onHelp: () => void;
}

const GLYPH = { system: "◐", light: "○", dark: "●" };

/** Mark, project switch, pages, search, theme. */
export function TopBar({ project, path, onProjects, onPalette, onHelp }: Props) {
  const theme = useTheme();
  const nav = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is current
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [path]);
  return (
    <header className="topbar">
      <Link href="/" className="mark" aria-label="trailmark, home">
        <Mark />
        <span className="mark-name">trailmark</span>
      </Link>
      {project && (
        <>
          <button
            type="button"
            className="project-switch"
            onClick={onProjects}
            aria-label={`Project: ${project}`}
          >
            <span className="project-name">{project}</span>
            <span aria-hidden="true" className="muted">
              ▾
            </span>
          </button>
          <nav className="nav" aria-label="Pages" ref={nav}>
            {ROUTES.map(
              ({ nav, path: pattern }) =>
                nav && (
                  <Link
                    key={nav.to}
                    href={pagePath(project, nav.to)}
                    title={`${nav.label} (g ${nav.key})`}
                    aria-current={path === pattern || path.startsWith(`${pattern}/`) ? "page" : undefined}
                  >
                    {nav.label}
                  </Link>
                ),
            )}
          </nav>
        </>
      )}
      <div className="topbar-right">
        <button type="button" className="jump" onClick={onPalette}>
          <span>Search or jump</span>
          <KeyCaps keys="mod+k" />
        </button>
        <button type="button" className="icon-button" onClick={onHelp} aria-label="Keys" title="Keys (?)">
          ?
        </button>
        <Menu
          label={<span aria-hidden="true">{GLYPH[theme]}</span>}
          title={`Theme: ${theme}`}
          className="icon-button"
          items={THEMES.map((one) => ({
            label: one === "system" ? "As the system" : one === "light" ? "Light" : "Dark",
            ...(one === theme && { keys: "✓" }),
            run: () => setTheme(one),
          }))}
        />
      </div>
    </header>
  );
}

export function Mark() {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <rect x="1" y="2.5" width="14" height="3" rx="1.2" className="mark-1" />
      <rect x="4" y="6.75" width="8" height="3" rx="1.2" className="mark-2" />
      <rect x="7" y="11" width="6" height="3" rx="1.2" className="mark-3" />
    </svg>
  );
}
