import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { askAnew } from "../../api/anew";
import { api, type Rows } from "../../api/client";
import { pagePath } from "../../model/paths";
import { Popover } from "../../ui/Popover";
import { toast } from "../../ui/Toast";

interface Props {
  project: string;
  page: Rows;
  search: string; // what a view keeps: the address's parameters
}

/** Saved views of this list, and a way to save this one. */
export function Views({ project, page, search }: Props) {
  const client = useQueryClient();
  const key = ["views", project];
  const views = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.views(project, signal),
    staleTime: 60_000,
  });
  const [name, setName] = useState("");
  const own = (views.data ?? []).filter((view) => view.page === page);
  const save = async () => {
    const params = Object.fromEntries(new URLSearchParams(search));
    delete params.peek;
    await api.saveView({ name: name.trim(), page, project, params });
    await askAnew(client, key);
    toast(`View "${name.trim()}" saved`);
    setName("");
  };
  const forget = async (id: string) => {
    await api.deleteView(id);
    await askAnew(client, key);
  };
  return (
    <>
      {own.map((view) => {
        const params = new URLSearchParams(view.params).toString();
        return (
          <Link
            key={view.id}
            href={`${pagePath(project, page)}?${params}`}
            className={params === search ? "chip-link on" : "chip-link"}
          >
            {view.name}
          </Link>
        );
      })}
      <Popover label="Views" title="Saved views" className="quiet">
        {(close) => (
          <div className="views">
            <form
              onSubmit={(event) => {
                event.preventDefault();
                if (name.trim()) void save().then(close);
              }}
            >
              <input
                type="text"
                aria-label="Name of the view"
                placeholder="Save this view as…"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
              <button type="submit" disabled={!name.trim()}>
                Save
              </button>
            </form>
            {own.length > 0 && (
              <ul>
                {own.map((view) => (
                  <li key={view.id}>
                    {view.name}
                    <button
                      type="button"
                      className="quiet"
                      aria-label={`Delete ${view.name}`}
                      onClick={() => forget(view.id)}
                    >
                      Delete
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </div>
        )}
      </Popover>
    </>
  );
}
