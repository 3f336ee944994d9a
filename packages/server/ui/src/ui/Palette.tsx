import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import { api } from "../api/client";
import { ago, count } from "../model/format";
import { pagePath, pastedId, tracesPath } from "../model/paths";
import { Combobox, type Option } from "./Combobox";
import { Dialog } from "./Dialog";
import { KeyCaps } from "./Help";
import { boundKeys } from "./keys";
import { toast } from "./Toast";
import { setTheme, THEMES } from "./theme";

interface Entry extends Option {
  words: string;
  run: () => void;
}

interface Props {
  project: string;
  only: "projects" | undefined;
  onClose: () => void;
}

/** Go anywhere, do anything the page can do: pages, projects, actions with their keys, a pasted id. */
export function Palette({ project, only, onClose }: Props) {
  const [typed, setTyped] = useState("");
  const [, navigate] = useLocation();
  const projects = useQuery({ queryKey: ["projects"], queryFn: ({ signal }) => api.projects(signal) });
  const views = useQuery({
    queryKey: ["views", project],
    queryFn: ({ signal }) => api.views(project, signal),
    enabled: project !== "",
    staleTime: 60_000,
  });
  const actions = useMemo(actionEntries, []);
  const entries = useMemo(() => {
    const go = (path: string) => () => navigate(path);
    const id = pastedId(typed);
    const pasted: Entry[] = id
      ? [
          {
            id: "pasted",
            label: `Open ${id}`,
            hint: "trace or span",
            group: "Id",
            words: typed,
            run: go(`/t/${id}`),
          },
        ]
      : [];
    const known = (projects.data ?? []).map(
      (one): Entry => ({
        id: `project ${one.name}`,
        label: one.name,
        hint: one.last_us === null ? "no traces" : `${count(one.traces)} · ${ago(one.last_us)}`,
        group: "Projects",
        words: one.name,
        run: go(tracesPath(one.name)),
      }),
    );
    const all: Entry = {
      id: "all projects",
      label: "All projects",
      hint: "make, rename, delete",
      group: "Projects",
      words: "all projects",
      run: go("/projects"),
    };
    known.push(all);
    const name = typed.trim();
    if (only && name && !projects.data?.some((one) => one.name === name))
      known.push({
        id: "new project",
        label: `Make the project ${name}`,
        group: "Projects",
        words: typed,
        run: () => void made(name).then(() => navigate(tracesPath(name)), said),
      });
    if (only) return known;
    const saved = (views.data ?? []).map(
      (view): Entry => ({
        id: `view ${view.id}`,
        label: view.name,
        hint: view.page ?? "traces",
        group: "Views",
        words: `${view.name} view`,
        run: go(
          `${pagePath(view.project ?? project, view.page ?? "traces")}?${new URLSearchParams(view.params)}`,
        ),
      }),
    );
    const filter: Entry[] = // not before the views have come: who types fast means one of those
      project && typed.trim() && !id && !views.isLoading
        ? [
            {
              id: "filter",
              label: `Filter traces: ${typed}`,
              group: "Search",
              words: typed,
              run: go(tracesPath(project, typed.trim())),
            },
          ]
        : [];
    return [...pasted, ...actions, ...saved, ...known, ...themeEntries(), ...filter];
  }, [typed, projects.data, views.data, views.isLoading, actions, only, project, navigate]);
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = entries.filter(
    (entry) => entry.id === "filter" || words.every((word) => entry.words.toLowerCase().includes(word)),
  );
  return (
    <Dialog title={only ? "Go to a project" : "Search or jump"} onClose={onClose} className="palette" bare>
      <Combobox
        label={only ? "Project" : "Search or jump"}
        placeholder={only ? "Project…" : "A page, a project, an action, an id…"}
        value={typed}
        options={shown}
        onType={setTyped}
        onAccept={(entry) => {
          onClose();
          entry.run();
        }}
        alwaysOpen
        empty={<p className="options-empty">Nothing of that name.</p>}
      />
    </Dialog>
  );
}

/** Asked anew: who types fast accepts before the list has come, and a program may have made the project since. */
async function made(name: string): Promise<void> {
  if (!(await api.projects()).some((one) => one.name === name)) await api.createProject(name);
}

const said = (error: Error) => toast(error.message, { isError: true });

function actionEntries(): Entry[] {
  return boundKeys().flatMap((group) =>
    group.bindings
      .filter((binding) => binding.run && binding.keys !== "mod+k")
      .map((binding) => ({
        id: `${group.name} ${binding.keys}`,
        label: binding.label,
        hint: <KeyCaps keys={binding.keys.split("|")[0] ?? ""} />,
        group: group.name,
        words: `${binding.label} ${group.name}`,
        run: () => binding.run?.(new KeyboardEvent("keydown")),
      })),
  );
}

const themeEntries = (): Entry[] =>
  THEMES.map((theme) => ({
    id: `theme ${theme}`,
    label: `Theme: ${theme}`,
    group: "Theme",
    words: `theme ${theme}`,
    run: () => setTheme(theme),
  }));
