import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import type { ScoreDef } from "../../api/types";
import { USUAL } from "../../model/scoring";
import { Failed, Loading } from "../../ui/States";
import { useSaved } from "./useSaved";

const TYPES = ["numeric", "boolean", "categorical", "text"] as const;
const NEW: ScoreDef = { name: "", type: "numeric", description: "", min: 1, max: 5, categories: [] };

/** How scores are given in a project: their order here is their order everywhere. */
export function ScoreDefs({ project }: { project: string }) {
  const found = useQuery({
    queryKey: ["score-defs", project],
    queryFn: ({ signal }) => api.scoreDefs(project, signal),
  });
  if (found.isError)
    return (
      <Failed what="The definitions cannot be shown" error={found.error} onRetry={() => found.refetch()} />
    );
  if (!found.data) return <Loading rows={3} />;
  return <Editor key={JSON.stringify(found.data)} project={project} saved={found.data} />;
}

function Editor({ project, saved }: { project: string; saved: ScoreDef[] }) {
  const [defs, setDefs] = useState<ScoreDef[]>(saved.length ? saved : [...USUAL]);
  const save = useSaved("score-defs");
  const change = (at: number, patch: Partial<ScoreDef>) =>
    setDefs(defs.map((def, n) => (n === at ? { ...def, ...patch } : def)));
  const move = (at: number, by: number) => {
    const next = [...defs];
    const [one] = next.splice(at, 1);
    if (one) next.splice(at + by, 0, one);
    setDefs(next);
  };
  const names = defs.map((def) => def.name.trim());
  const fault = names.includes("")
    ? "Every score needs a name"
    : new Set(names).size < names.length
      ? "Two scores have the same name"
      : null;
  return (
    <form
      className="settings-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save("Scores", () => api.defineScores(project, defs));
      }}
    >
      {!saved.length && <p className="muted">Nothing is defined yet: these two are offered.</p>}
      {defs.map((def, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a definition that is being named has no other identity
        <fieldset key={n} className="settings-row" aria-label={def.name || "New score"}>
          <input
            type="text"
            aria-label="Name"
            placeholder="name"
            value={def.name}
            onChange={(event) => change(n, { name: event.target.value })}
          />
          <select
            aria-label="Type"
            value={def.type}
            onChange={(event) => change(n, { type: event.target.value as ScoreDef["type"] })}
          >
            {TYPES.map((type) => (
              <option key={type}>{type}</option>
            ))}
          </select>
          {def.type === "numeric" && (
            <>
              <Bound label="from" value={def.min ?? null} onChange={(min) => change(n, { min })} />
              <Bound label="to" value={def.max ?? null} onChange={(max) => change(n, { max })} />
            </>
          )}
          {def.type === "categorical" && (
            <input
              type="text"
              aria-label="Categories"
              placeholder="good, mixed, bad"
              defaultValue={(def.categories ?? []).join(", ")}
              onChange={(event) =>
                change(n, {
                  categories: event.target.value
                    .split(",")
                    .map((one) => one.trim())
                    .filter(Boolean),
                })
              }
            />
          )}
          <input
            type="text"
            aria-label="Description"
            placeholder="what it judges"
            value={def.description ?? ""}
            onChange={(event) => change(n, { description: event.target.value })}
          />
          <button
            type="button"
            className="icon-button"
            aria-label="Earlier"
            disabled={n === 0}
            onClick={() => move(n, -1)}
          >
            ↑
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Remove"
            onClick={() => setDefs(defs.filter((_, at) => at !== n))}
          >
            ✕
          </button>
        </fieldset>
      ))}
      <div className="actions">
        <button type="button" onClick={() => setDefs([...defs, NEW])}>
          Add a score
        </button>
        <button type="submit" disabled={fault !== null}>
          Save
        </button>
        {fault && <span className="label-error">{fault}</span>}
      </div>
    </form>
  );
}

function Bound({
  label,
  value,
  onChange,
}: {
  label: string;
  value: number | null;
  onChange: (value: number | null) => void;
}) {
  return (
    <label className="muted">
      {label}{" "}
      <input
        type="number"
        step="any"
        value={value ?? ""}
        onChange={(event) => onChange(event.target.value === "" ? null : Number(event.target.value))}
      />
    </label>
  );
}
