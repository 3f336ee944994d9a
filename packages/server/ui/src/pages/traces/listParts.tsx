import { useQuery } from "@tanstack/react-query";
import { api, type Rows } from "../../api/client";
import { boundsOf } from "../../model/range";
import { Notice } from "../../ui/States";

export function LiveButton({ live, isOff, onTurn }: { live: boolean; isOff: boolean; onTurn: () => void }) {
  const isOn = live && !isOff;
  return (
    <button
      type="button"
      className={isOn ? "live live-on" : "live"}
      aria-pressed={isOn}
      disabled={isOff}
      title={isOff ? "This time is over: nothing new can come" : "Live (l)"}
      onClick={onTurn}
    >
      <span className="live-dot" aria-hidden="true" /> Live
    </button>
  );
}

/** `200 of about 98,000`: the count comes by itself and holds nothing up. */
export function Known({
  project,
  of,
  one,
  q,
  t,
  loaded,
  hasMore,
}: {
  project: string;
  of: Rows;
  one: string;
  q: string;
  t: string;
  loaded: number;
  hasMore: boolean;
}) {
  const found = useQuery({
    queryKey: ["count", of, project, q, t],
    queryFn: ({ signal }) => api.count(project, of, { q, ...boundsOf(t) }, signal),
    enabled: hasMore,
    retry: false,
    staleTime: 30_000,
  });
  const total =
    found.data && hasMore
      ? ` of ${found.data.exact ? "" : "about "}${found.data.estimate.toLocaleString("en")}`
      : "";
  return (
    <span className="known muted number">
      {loaded.toLocaleString("en")}
      {total} {loaded === 1 && !total ? one : of}
    </span>
  );
}

export function NothingFound({ title, of, onAll }: { title: string; of: Rows; onAll: () => void }) {
  return (
    <Notice title={title}>
      <p className="muted">
        Words are looked for in names, inputs, outputs and errors. <code>status:error</code>,{" "}
        <code>tag:chat</code>, <code>duration&gt;2s</code> and <code>any(kind:tool name:search)</code> say
        where.
      </p>
      <button type="button" onClick={onAll}>
        Show all {of}
      </button>
    </Notice>
  );
}
