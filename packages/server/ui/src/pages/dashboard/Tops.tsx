import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api } from "../../api/client";
import type { TopRow } from "../../api/types";
import { cost, count, duration } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { quoted, tracesPath } from "../../model/paths";
import { boundsOf } from "../../model/range";

interface Table {
  what: "names" | "users" | "models" | "errors" | "tools";
  title: string;
  value: string; // the last column; empty: none
  show: (row: TopRow) => string;
  filter: (key: string) => string;
}

const money = (row: TopRow) => (row.value === null ? "unpriced" : cost(row.value));
const TABLES: readonly Table[] = [
  {
    what: "names",
    title: "Slowest names",
    value: "Mean",
    show: (row) => (row.value === null ? "" : duration(Math.round(row.value))),
    filter: (key) => `name:${quoted(key)}`,
  },
  {
    what: "models",
    title: "Costliest models",
    value: "Cost",
    show: money,
    filter: (key) => `model:${quoted(key)}`,
  },
  {
    what: "users",
    title: "Costliest users",
    value: "Cost",
    show: money,
    filter: (key) => `user:${quoted(key)}`,
  },
  {
    what: "errors",
    title: "Errors by type",
    value: "",
    show: () => "",
    filter: (key) => `error.type:${quoted(key)}`,
  },
  {
    what: "tools",
    title: "Tools by failures",
    value: "",
    show: () => "",
    filter: (key) => `any(kind:tool name:${quoted(key)})`,
  },
];

/** What stands out in the range; each row leads to its traces. */
export function Tops(props: { project: string; q: string; t: string }) {
  return (
    <div className="tops">
      {TABLES.map((table) => (
        <Top key={table.what} {...props} table={table} />
      ))}
    </div>
  );
}

function Top({ project, q, t, table }: { project: string; q: string; t: string; table: Table }) {
  const found = useQuery({
    queryKey: ["top", project, table.what, q, t],
    queryFn: ({ signal }) => api.top(project, { what: table.what, q, ...boundsOf(t) }, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  if (!found.data?.length) return null;
  return (
    <section className="card" aria-label={table.title}>
      <table className="plain top">
        <caption className="chart-title">{table.title}</caption>
        <thead>
          <tr>
            <th>Name</th>
            <th className="number">Count</th>
            <th className="number">Errors</th>
            {table.value && <th className="number">{table.value}</th>}
          </tr>
        </thead>
        <tbody>
          {found.data.map((row) => (
            <tr key={row.key}>
              <td>
                <Link
                  href={tracesPath(project, [q, table.filter(row.key ?? "")].filter(Boolean).join(" "), t)}
                  title={row.key ?? ""}
                >
                  {visibleText(row.key || "(none)")}
                </Link>
              </td>
              <td className="number">{count(row.n)}</td>
              <td className={row.errors ? "number figure-bad" : "number muted"}>{count(row.errors)}</td>
              {table.value && <td className="number">{table.show(row)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
