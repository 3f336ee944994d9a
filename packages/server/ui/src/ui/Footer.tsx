import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import type { ClientReport } from "../api/types";
import { ago, bytes, count } from "../model/format";
import { Popover } from "./Popover";

const POLL_MS = 10_000;

/** What is true of the data on this page: what clients dropped and why, how late it comes, what it takes. */
export function Footer({ project }: { project: string }) {
  const meta = useQuery({
    queryKey: ["meta"],
    queryFn: ({ signal }) => api.meta(signal),
    refetchInterval: POLL_MS,
  });
  const clients = useQuery({
    queryKey: ["clients"],
    queryFn: ({ signal }) => api.clients(signal),
    refetchInterval: POLL_MS,
  });
  const told = clients.data ?? [];
  const dropped = told.reduce((sum, one) => sum + total(one), 0);
  return (
    <footer className="footer">
      {dropped > 0 ? (
        <Popover label={`${count(dropped)} dropped by clients`} className="footer-bad">
          {() => <Dropped clients={told.filter((one) => total(one) > 0)} />}
        </Popover>
      ) : (
        <span>{told.length ? "Nothing dropped" : project ? "No client has reported" : ""}</span>
      )}
      {meta.data && <span>{ingestText(meta.data.ingest.waiting)}</span>}
      <span className="footer-right">
        {meta.data && (
          <>
            <span title={meta.data.home}>Store {bytes(meta.data.disk_bytes)}</span>
            <span>trailmark {meta.data.version}</span>
          </>
        )}
        {meta.isError && <span className="footer-bad">Server does not answer</span>}
      </span>
    </footer>
  );
}

const total = (report: ClientReport) => Object.values(report.dropped).reduce((sum, n) => sum + n, 0);

function ingestText(waiting: unknown): string {
  if (typeof waiting !== "number" || waiting === 0) return "Ingest is current";
  return waiting === 1
    ? "Records of 1 program are on their way"
    : `Records of ${waiting} programs are on their way`;
}

function Dropped({ clients }: { clients: ClientReport[] }) {
  return (
    <table className="plain">
      <thead>
        <tr>
          <th>Client</th>
          <th>Reason</th>
          <th className="number">Records</th>
          <th>Heard</th>
        </tr>
      </thead>
      <tbody>
        {clients.flatMap((one) =>
          Object.entries(one.dropped).map(([reason, n]) => (
            <tr key={`${one.client} ${reason}`}>
              <td>{one.client}</td>
              <td>{reason}</td>
              <td className="number">{n.toLocaleString("en")}</td>
              <td className="muted">{ago(one.seen_us)}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}
