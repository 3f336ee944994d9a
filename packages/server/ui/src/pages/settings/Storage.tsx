import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import type { Settings } from "../../api/types";
import { bytes, count } from "../../model/format";
import { Failed, Loading } from "../../ui/States";
import { useSaved } from "./useSaved";

/** How long traces stay, and what that would delete now. */
export function Storage({ project }: { project: string }) {
  const found = useQuery({ queryKey: ["settings"], queryFn: ({ signal }) => api.settings(signal) });
  const meta = useQuery({ queryKey: ["meta"], queryFn: ({ signal }) => api.meta(signal) });
  if (found.isError)
    return <Failed what="The settings cannot be shown" error={found.error} onRetry={() => found.refetch()} />;
  if (!found.data) return <Loading rows={3} />;
  return (
    <div className="settings-form">
      {meta.data && <p>The store takes {bytes(meta.data.disk_bytes)}.</p>}
      <Days key={`all ${found.data.retention_days}`} project={null} shown={project} settings={found.data} />
      <Days
        key={`one ${project} ${found.data.retention_days_of?.[project]}`}
        project={project}
        shown={project}
        settings={found.data}
      />
      <p className="muted">Older traces are deleted at the start of the server and every hour, for good.</p>
    </div>
  );
}

function Days({ project, shown, settings }: { project: string | null; shown: string; settings: Settings }) {
  const saved = project === null ? settings.retention_days : settings.retention_days_of?.[project];
  const [days, setDays] = useState(saved ? String(saved) : "");
  const number = Number(days);
  const isValid = days === "" || (Number.isInteger(number) && number >= 1 && number <= 36_500);
  const wanted = days === "" || !isValid ? null : number;
  const preview = useQuery({
    queryKey: ["retention", project === null ? "" : shown, wanted],
    queryFn: ({ signal }) => wouldGo(project, settings, wanted ?? 1, signal),
    enabled: wanted !== null,
  });
  const whose = project === null ? "all projects without days of their own" : project;
  const save = useSaved("settings");
  const next: Settings =
    project === null
      ? { ...settings, retention_days: wanted }
      : { ...settings, retention_days_of: { ...settings.retention_days_of, [project]: wanted } };
  return (
    <form
      className="settings-row"
      onSubmit={(event) => {
        event.preventDefault();
        void save("Retention", () => api.changeSettings(next));
      }}
    >
      <label>
        Keep traces of {project === null ? "all projects" : project}{" "}
        <input
          type="number"
          min={1}
          max={36500}
          placeholder={project === null ? "for ever" : "as all"}
          value={days}
          onChange={(event) => setDays(event.target.value)}
        />{" "}
        days
      </label>
      <button type="submit" disabled={!isValid || wanted === (saved ?? null)}>
        Save
      </button>
      {wanted !== null && preview.data !== undefined && (
        <span className={preview.data ? "label-error" : "muted"}>
          {preview.data
            ? `${count(preview.data)} traces of ${whose} are older and would be deleted`
            : `Nothing of ${whose} is older`}
        </span>
      )}
    </form>
  );
}

/** Of one project, or of all that have no days of their own: how many traces are older. */
async function wouldGo(
  project: string | null,
  settings: Settings,
  days: number,
  signal: AbortSignal,
): Promise<number> {
  const own = settings.retention_days_of ?? {};
  const names =
    project !== null
      ? [project]
      : (await api.projects(signal)).map((one) => one.name).filter((name) => !own[name]);
  const found = await Promise.all(names.map((name) => api.retention(name, days, signal)));
  return found.reduce((sum, one) => sum + one.traces, 0);
}
