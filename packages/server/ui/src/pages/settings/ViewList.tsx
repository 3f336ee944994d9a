import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api } from "../../api/client";
import { visibleText } from "../../model/hygiene";
import { pagePath } from "../../model/paths";
import { useSaved } from "./useSaved";

/** Saved views of a project. */
export function ViewList({ project }: { project: string }) {
  const found = useQuery({
    queryKey: ["views", project],
    queryFn: ({ signal }) => api.views(project, signal),
  });
  const save = useSaved("views");
  if (!found.data) return null;
  if (!found.data.length) return <p className="muted">No saved views. The list of traces saves one.</p>;
  return (
    <table className="plain settings-table">
      <tbody>
        {found.data.map((view) => (
          <tr key={view.id}>
            <td>
              <Link
                href={`${pagePath(project, view.page ?? "traces")}?${new URLSearchParams(view.params ?? {})}`}
              >
                {visibleText(view.name)}
              </Link>
            </td>
            <td className="muted">{visibleText(view.params?.q ?? "")}</td>
            <td>
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
      </tbody>
    </table>
  );
}
