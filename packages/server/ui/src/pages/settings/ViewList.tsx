import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api } from "../../api/client";
import type { SavedView } from "../../api/types";
import { visibleText } from "../../model/hygiene";
import { pagePath } from "../../model/paths";
import { Failed, Loading } from "../../ui/States";
import { Table } from "./Table";
import { TypedDialog } from "./TypedDialog";
import { useSaved } from "./useSaved";

/** Saved views of a project. */
export function ViewList({ project }: { project: string }) {
  const found = useQuery({
    queryKey: ["views", project],
    queryFn: ({ signal }) => api.views(project, signal),
  });
  const [renaming, setRenaming] = useState<SavedView | null>(null);
  const save = useSaved("views");
  if (found.isError)
    return <Failed what="The views cannot be shown" error={found.error} onRetry={() => found.refetch()} />;
  if (!found.data) return <Loading rows={3} />;
  if (!found.data.length)
    return <p className="muted">No saved views. The lists of traces and spans save one under Views.</p>;
  return (
    <>
      <Table columns={["View", "Of", "Filter"]} hasActions>
        {found.data.map((view) => (
          <tr key={view.id}>
            <td>
              <Link
                href={`${pagePath(project, view.page ?? "traces")}?${new URLSearchParams(view.params ?? {})}`}
              >
                {visibleText(view.name)}
              </Link>
            </td>
            <td className="muted">{view.page}</td>
            <td className="muted">{visibleText(view.params?.q ?? "")}</td>
            <td>
              <button type="button" aria-label={`Rename ${view.name}`} onClick={() => setRenaming(view)}>
                Rename
              </button>{" "}
              <button
                type="button"
                aria-label={`Delete ${view.name}`}
                onClick={() => save("View", () => api.deleteView(view.id))}
              >
                Delete
              </button>
            </td>
          </tr>
        ))}
      </Table>
      {renaming && (
        <TypedDialog
          title={`Rename ${renaming.name}`}
          label="New name"
          action="Rename"
          initial={renaming.name}
          isAllowed={(typed) => typed.trim() !== "" && typed !== renaming.name}
          onClose={() => setRenaming(null)}
          onDone={async (typed) => {
            if (await save("View", () => api.replaceView({ ...renaming, name: typed.trim() })))
              setRenaming(null);
          }}
        />
      )}
    </>
  );
}
