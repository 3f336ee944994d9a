import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { askAnew } from "../../api/anew";
import { api } from "../../api/client";
import type { Project } from "../../api/types";
import { ago, count } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { pagePath, tracesPath } from "../../model/paths";
import { RunningJobs } from "../../ui/Jobs";
import { Failed, Loading } from "../../ui/States";
import { Table } from "./Table";
import { TypedDialog } from "./TypedDialog";
import { useSaved } from "./useSaved";

/** All projects of the workspace. */
export function Projects({ project }: { project: string }) {
  const found = useQuery({ queryKey: ["projects"], queryFn: ({ signal }) => api.projects(signal) });
  const [name, setName] = useState("");
  const [deleting, setDeleting] = useState<Project | null>(null);
  const [renaming, setRenaming] = useState<Project | null>(null);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const save = useSaved("projects", "jobs");
  if (found.isError)
    return <Failed what="The projects cannot be shown" error={found.error} onRetry={() => found.refetch()} />;
  if (!found.data) return <Loading rows={4} />;
  return (
    <div className="settings-form">
      <Table columns={["Project", { number: "Traces" }, { number: "Last 24 h" }, "Newest"]} hasActions>
        {found.data.map((one) => (
          <tr key={one.name}>
            <td>
              <Link href={tracesPath(one.name)}>{visibleText(one.name)}</Link>
            </td>
            <td className="number">{count(one.traces)}</td>
            <td className="number">{count(one.traces_24h)}</td>
            <td className="muted">{one.last_us === null ? "" : ago(one.last_us)}</td>
            <td>
              <button type="button" aria-label={`Rename ${one.name}`} onClick={() => setRenaming(one)}>
                Rename
              </button>{" "}
              <button type="button" aria-label={`Delete ${one.name}`} onClick={() => setDeleting(one)}>
                Delete
              </button>
            </td>
          </tr>
        ))}
      </Table>
      <RunningJobs onEnd={() => void askAnew(client, ["projects"], ["jobs"])} />
      <form
        className="settings-row"
        onSubmit={async (event) => {
          event.preventDefault();
          if (await save("Project", () => api.createProject(name.trim()))) setName("");
        }}
      >
        <input
          type="text"
          aria-label="Name of a new project"
          placeholder="new project"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" disabled={!name.trim()}>
          Create
        </button>
      </form>
      {deleting && (
        <TypedDialog
          title={`Delete ${deleting.name}`}
          label={`${count(deleting.traces)} traces go with it, for good. Type its name to confirm`}
          action="Delete for good"
          isAllowed={(typed) => typed === deleting.name}
          onClose={() => setDeleting(null)}
          onDone={async () => {
            let isJob = false;
            const begin = async () => {
              isJob = "id" in (await api.deleteProject(deleting.name, deleting.traces));
              return isJob ? "being deleted" : "done";
            };
            if (!(await save("Project", begin))) return;
            setDeleting(null);
            if (deleting.name === project && !isJob) navigate("/");
          }}
        />
      )}
      {renaming && (
        <TypedDialog
          title={`Rename ${renaming.name}`}
          label="New name. Programs that go on recording under the old one make it anew"
          action="Rename"
          isAllowed={(typed) => typed.trim() !== "" && typed !== renaming.name}
          onClose={() => setRenaming(null)}
          onDone={async (typed) => {
            if (!(await save("Project", () => api.renameProject(renaming.name, typed.trim())))) return;
            setRenaming(null);
            if (renaming.name === project) navigate(`${pagePath(typed.trim(), "settings")}?tab=projects`);
          }}
        />
      )}
    </div>
  );
}
