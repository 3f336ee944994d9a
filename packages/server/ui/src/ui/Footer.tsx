import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import type { ClientReport, Meta } from "../api/types";
import { ago, bytes, count, duration } from "../model/format";
import { Popover } from "./Popover";

const POLL_MS = 10_000;
const LATE_US = 5e6;
const RECENT_US = 60e6;
const OLD_US = 7 * 86_400e6; // what is older was imported: clients give up on it
const REASONS: Record<string, string> = {
  full: "its spool was full",
  refused: "a server refused them",
};

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
        (told.length > 0 || project) && (
          <span>{told.length ? "Nothing dropped" : "No client has reported"}</span>
        )
      )}
      {meta.data && <Ingest {...meta.data.ingest} now={meta.data.now_us} />}
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

type IngestProps = Meta["ingest"] & { now: number };

function Ingest({ waiting, last_us, late_us, now }: IngestProps) {
  const last =
    last_us === null || late_us === null
      ? "Nothing has come since the server started"
      : `The last records came ${ago(last_us, now / 1000)}, ${duration(late_us)} after they were made`;
  const isLate =
    late_us !== null &&
    late_us > LATE_US &&
    late_us < OLD_US &&
    last_us !== null &&
    now - last_us < RECENT_US;
  return (
    <span title={last} className={isLate ? "footer-bad" : undefined}>
      {isLate
        ? `Records come ${duration(late_us)} late`
        : waiting
          ? `Records of ${waiting} ${waiting === 1 ? "program" : "programs"} are on their way`
          : "Ingest is current"}
    </span>
  );
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
              <td>{REASONS[reason] ?? reason}</td>
              <td className="number">{n.toLocaleString("en")}</td>
              <td className="muted">{ago(one.seen_us)}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}
