import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../../api/client";
import { openDoor } from "../../api/door";

/** Asks for a key once; the browser then holds a cookie that no script can read, and the page goes on where it was. */
export default function SignIn() {
  const client = useQueryClient();
  const [key, setKey] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    document.title = "Sign in · trailmark";
  }, []);
  const enter = async () => {
    try {
      await api.signIn(key.trim());
    } catch (error) {
      return setFault((error as Error).message);
    }
    client.clear();
    window.trailmarkFirst = undefined; // what boot.js asked before is refused
    openDoor();
  };
  return (
    <main className="page">
      <form
        className="notice sign-in"
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <h1>This server wants a key</h1>
        <label>
          Key{" "}
          <input
            type="password"
            autoComplete="current-password"
            // biome-ignore lint/a11y/noAutofocus: it is the only thing on the page
            autoFocus
            placeholder="tm_…"
            value={key}
            aria-invalid={fault !== null}
            aria-describedby={fault ? "key-fault" : undefined}
            onChange={(event) => {
              setKey(event.target.value);
              setFault(null);
            }}
          />
        </label>
        <div className="actions">
          <button type="submit" className="primary" disabled={!key.trim()}>
            Sign in
          </button>
        </div>
        {fault && (
          <p id="key-fault" className="label-error" role="alert">
            {fault}
          </p>
        )}
        <p className="muted">
          Where the server runs, <code>trailmark keys create NAME</code> makes one. It is asked for once; this
          browser keeps no key, only a cookie for thirty days.
        </p>
      </form>
    </main>
  );
}
