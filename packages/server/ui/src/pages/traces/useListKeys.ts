import { useLocation } from "wouter";
import type { Rows } from "../../api/client";
import { serverUrl } from "../../base";
import { comparePath } from "../../model/paths";
import { useKeys } from "../../ui/keys";
import { CHART_KEYS } from "../../ui/useBrush";
import type { ListRow } from "./column";

interface ListKeys<R extends ListRow> {
  project: string;
  of: Rows;
  one: string; // as a person calls a row
  current: R | undefined;
  checked: ReadonlySet<string>;
  step: (by: number) => void;
  open: () => void;
  placeOf: (row: R) => { path: string };
  filterByCell: () => void;
  showFresh: () => void;
  check: (id: string, isChecked: boolean, isRange: boolean) => void;
  togglePeek: () => void;
  toFilter: () => void;
  turnLive: () => void;
  leave: () => void;
}

/** What the keys do in a list of traces or spans. */
export function useListKeys<R extends ListRow>(list: ListKeys<R>): void {
  const { one, of, current, checked, check } = list;
  const [, navigate] = useLocation();
  const compare = () => {
    const [a = "", b = ""] = checked;
    if (checked.size === 2) navigate(comparePath(list.project, a, b));
  };
  useKeys("List", [
    { keys: "j", label: `Next ${one}`, run: () => list.step(1) },
    { keys: "k", label: `Previous ${one}`, run: () => list.step(-1) },
    { keys: "ArrowUp|ArrowDown|PageUp|PageDown|Home|End", label: "Walk the rows" },
    { keys: "ArrowLeft|ArrowRight", label: "Walk the cells" },
    { keys: "Enter", label: `Open the ${one}`, run: list.open },
    {
      keys: "mod+Enter",
      label: "Open in a new tab",
      run: () => current && window.open(serverUrl + list.placeOf(current).path),
    },
    { keys: "Space", label: "Peek", run: list.togglePeek },
    {
      keys: "x",
      label: "Choose, or not",
      run: () => current && check(current.id, !checked.has(current.id), false),
    },
    { keys: "X", label: "Choose up to here", run: () => current && check(current.id, true, true) },
    ...(of === "traces" ? [{ keys: "C", label: "Compare the two chosen", run: compare }] : []),
    { keys: "f", label: "Filter by this cell", run: list.filterByCell },
    { keys: "/", label: "Filter", run: list.toFilter },
    { keys: ".", label: `Show new ${of}`, run: list.showFresh },
    ...CHART_KEYS,
    { keys: "l", label: "Live on, off", run: list.turnLive },
    { keys: "Escape", label: "Close the drawer, clear the choice", run: list.leave },
  ]);
}
