import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, api } from "../../api/client";
import { closeDoor } from "../../api/door";
import type { KnownKey, MadeKey } from "../../api/types";
import { ago, fullTime } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { CopyButton } from "../../ui/copy";
import { Dialog } from "../../ui/Dialog";
import { Failed, Loading } from "../../ui/States";
import { Table } from "./Table";
import { useSaved } from "./useSaved";

/** API keys: listed without their secrets, made and shown once, revoked. */
export function KeyList() {
  const session = useQuery({ queryKey: ["session"], queryFn: ({ signal }) => api.session(signal) });
  if (session.isError)
    return <Failed what="The keys cannot be shown" error={session.error} onRetry={() => session.refetch()} />;
  if (!session.data) return <Loading rows={3} />;
  const { auth, admin } = session.data;
  return (
    <div className="settings-form">
      {admin ? (
        <Keys isFirst={!auth} />
      ) : (
        <p className="muted">
          Keys are made by who signs in with an admin key (<code>trailmark keys create NAME --admin</code>).
        </p>
      )}
      {auth && (
        <div className="actions">
          <button type="button" onClick={() => void api.signOut().then(closeDoor)}>
            Sign out
          </button>
        </div>
      )}
    </div>
  );
}

function Keys({ isFirst }: { isFirst: boolean }) {
  const [made, setMade] = useState<MadeKey | null>(null);
  const [revoking, setRevoking] = useState<KnownKey | null>(null);
  const found = useQuery({ queryKey: ["keys"], queryFn: ({ signal }) => api.keys(signal) });
  const save = useSaved("keys", "session", "meta");
  if (found.isError && !(found.error instanceof ApiError && found.error.status === 401))
    return <Failed what="The keys cannot be shown" error={found.error} onRetry={() => found.refetch()} />;
  if (!found.data) return <Loading rows={3} />;
  return (
    <>
      {isFirst && (
        <p>
          There is no key: who can reach this address needs none.{" "}
          <strong>The first one closes the server</strong>: from then on every program needs{" "}
          <code>TRAILMARK_API_KEY</code>, and this page a key to sign in with. Programs of this machine that
          record without an address go on as they are.
        </p>
      )}
      {found.data.length > 0 && (
        <Table columns={["Key", "Id", "Workspace", "Made"]} hasActions>
          {found.data.map((one) => (
            <tr key={one.id}>
              <td>
                {visibleText(one.name)}
                {one.admin && <span className="tag tag-after">admin</span>}
              </td>
              <td>
                <code>{one.id}</code>
              </td>
              <td>{one.workspace}</td>
              <td className="muted" title={fullTime(one.created_us)}>
                {ago(one.created_us)}
              </td>
              <td>
                <button
                  type="button"
                  aria-label={`Revoke ${visibleText(one.name)}`}
                  onClick={() => setRevoking(one)}
                >
                  Revoke
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <NewKey
        isFirst={isFirst}
        onMake={(name, workspace, isAdmin) =>
          save("Key", async () => {
            const key = await api.createKey({ name, workspace, admin: isAdmin });
            if (isFirst) await api.signIn(key.key); // or the page would shut itself out
            setMade(key);
          })
        }
      />
      {made && <Shown made={made} onClose={() => setMade(null)} />}
      {revoking && (
        <Dialog title={`Revoke ${revoking.name}?`} onClose={() => setRevoking(null)}>
          <p>Programs and browsers that use it are refused from the next request on. It cannot be undone.</p>
          {found.data.length === 1 && (
            <p className="label-error">It is the last key: this server asks nobody for one then.</p>
          )}
          <div className="actions dialog-actions">
            <button
              type="button"
              className="danger"
              onClick={async () => {
                setRevoking(null);
                await save("Key", () => api.revokeKey(revoking.id));
              }}
            >
              Revoke
            </button>
            <button type="button" onClick={() => setRevoking(null)}>
              Keep it
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

interface NewKeyProps {
  isFirst: boolean;
  onMake: (name: string, workspace: string, isAdmin: boolean) => Promise<boolean>;
}

function NewKey({ isFirst, onMake }: NewKeyProps) {
  const [name, setName] = useState("");
  const [workspace, setWorkspace] = useState("default");
  const [isAdmin, setAdmin] = useState(false);
  return (
    <form
      className="settings-row"
      onSubmit={async (event) => {
        event.preventDefault();
        if (await onMake(name.trim(), workspace.trim() || "default", isAdmin)) setName("");
      }}
    >
      <input
        type="text"
        aria-label="Name of a new key"
        placeholder="whose it is: ci, ada…"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <label>
        sees workspace{" "}
        <input type="text" value={workspace} onChange={(event) => setWorkspace(event.target.value)} />
      </label>
      <label>
        <input
          type="checkbox"
          checked={isAdmin || isFirst}
          disabled={isFirst}
          onChange={(event) => setAdmin(event.target.checked)}
        />{" "}
        may make keys
      </label>
      <button type="submit" disabled={!name.trim()}>
        Make a key
      </button>
    </form>
  );
}

function Shown({ made, onClose }: { made: MadeKey; onClose: () => void }) {
  return (
    <Dialog title={`The key of ${made.name}`} onClose={onClose}>
      <p>Copy it now: only its hash is kept, so nobody can show it again.</p>
      <div className="code-box">
        <CopyButton text={() => made.key} what="key" />
        <pre className="code key-shown">{made.key}</pre>
      </div>
      <p className="muted">
        Programs: <code>TRAILMARK_API_KEY</code>. People: the page asks for it once.
      </p>
      <div className="actions dialog-actions">
        <button type="button" className="primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  );
}
