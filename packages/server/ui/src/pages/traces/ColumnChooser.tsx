import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { moved, type ShownColumn } from "../../model/columns";
import type { Columns } from "./column";

interface Props<R> {
  project: string;
  known: Columns<R>;
  columns: ShownColumn[];
  onColumns: (columns: ShownColumn[] | null) => void; // null: the default
}

const OPEN = /^(score|metadata)\./;

/** Which columns, in which order, and which stay at the left. */
export function ColumnChooser<R>({ project, known, columns, onColumns }: Props<R>) {
  const [asked, setAsked] = useState("");
  const fields = useQuery({
    queryKey: ["fields", project],
    queryFn: ({ signal }) => api.fields(project, "", signal),
    staleTime: 60_000,
  });
  const found = (fields.data ?? []).map((field) => field.name).filter((name) => OPEN.test(name));
  const others = [...known.all.map((column) => column.id), ...found].filter(
    (id) => !columns.some((one) => one.id === id),
  );
  const word = asked.trim().toLowerCase();
  const typed =
    OPEN.test(asked.trim()) && known.of(asked.trim()) && !others.includes(asked.trim()) ? [asked.trim()] : [];
  const offered = [
    ...typed,
    ...others.filter((id) => `${id} ${known.of(id)?.label}`.toLowerCase().includes(word)),
  ];
  const change = (id: string, patch: Partial<ShownColumn>) =>
    onColumns(columns.map((one) => (one.id === id ? { ...one, ...patch } : one)));
  const name = (id: string) => (OPEN.test(id) ? id : (known.of(id)?.label ?? id));
  return (
    <div className="chooser">
      <ul>
        {columns.map((one, n) => (
          <li key={one.id}>
            <label className="check">
              <input
                type="checkbox"
                checked
                onChange={() => onColumns(columns.filter((other) => other !== one))}
              />
              {name(one.id)}
            </label>
            <span>
              <button
                type="button"
                className="quiet"
                aria-pressed={one.isPinned}
                aria-label={`Pin ${name(one.id)}`}
                title="Keep at the left"
                onClick={() => change(one.id, { isPinned: !one.isPinned })}
              >
                {one.isPinned ? "pinned" : "pin"}
              </button>
              <button
                type="button"
                className="quiet"
                aria-label={`Move ${name(one.id)} up`}
                disabled={n === 0}
                onClick={() => onColumns(moved(columns, one.id, -1))}
              >
                ↑
              </button>
              <button
                type="button"
                className="quiet"
                aria-label={`Move ${name(one.id)} down`}
                disabled={n === columns.length - 1}
                onClick={() => onColumns(moved(columns, one.id, 1))}
              >
                ↓
              </button>
            </span>
          </li>
        ))}
      </ul>
      <input
        type="text"
        aria-label="Add a column"
        placeholder="Add: score.x, metadata.x, user…"
        value={asked}
        onChange={(event) => setAsked(event.target.value)}
      />
      <ul>
        {offered.slice(0, 40).map((id) => (
          <li key={id}>
            <label className="check">
              <input
                type="checkbox"
                checked={false}
                onChange={() => onColumns([...columns, { id, width: null, isPinned: false }])}
              />
              {name(id)}
            </label>
          </li>
        ))}
      </ul>
      <button type="button" className="quiet" onClick={() => onColumns(null)}>
        As it was at first
      </button>
    </div>
  );
}
