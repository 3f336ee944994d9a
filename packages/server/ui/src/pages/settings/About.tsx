import { useQuery } from "@tanstack/react-query";
import { api } from "../../api/client";
import { base } from "../../base";
import { ago, bytes } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { Table } from "./Table";

/** Which server this is, who records to it, and whose work the page is made of. */
export function About() {
  const meta = useQuery({ queryKey: ["meta"], queryFn: ({ signal }) => api.meta(signal) });
  const found = meta.data;
  if (!found) return null;
  return (
    <>
      <dl className="facts settings-about">
        {[
          ["Version", found.version],
          ["Database schema", String(found.schema)],
          ["Home", found.home ?? ""],
          ["Workspace", found.workspace],
          ["Takes on disk", bytes(found.disk_bytes)],
          ["Keys", found.auth ? "needed by every request" : "none needed"],
        ].map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div>
          <dt>Licence</dt>
          <dd>
            Apache-2.0. The page is made with{" "}
            <a href={`${base}/third-party/licenses.md`} target="_blank" rel="noopener noreferrer">
              the work of others
            </a>
            .
          </dd>
        </div>
      </dl>
      <Clients />
    </>
  );
}

/** Programs that said something of themselves since the server started. */
function Clients() {
  const clients = useQuery({ queryKey: ["clients"], queryFn: ({ signal }) => api.clients(signal) });
  if (!clients.data) return null;
  if (!clients.data.length)
    return <p className="muted">No program has reported since this server started.</p>;
  return (
    <Table caption="Programs that record here" columns={["Program", "trailmark", "Spans wait in", "Heard"]}>
      {clients.data.map((one) => (
        <tr key={one.client}>
          <td>{visibleText(one.client)}</td>
          <td>{one.version || "not told"}</td>
          <td>{visibleText(one.mode)}</td>
          <td className="muted">{ago(one.seen_us)}</td>
        </tr>
      ))}
    </Table>
  );
}
