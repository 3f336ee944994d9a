import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { bytes } from "../../model/format";
import { singleKeys } from "../../ui/keys";
import { setTheme, THEMES, useTheme } from "../../ui/theme";

const NAMES = { system: "As the system", light: "Light", dark: "Dark" };

/** What only this browser keeps. */
export function General() {
  const theme = useTheme();
  const [hasKeys, setKeys] = useState(singleKeys.get);
  return (
    <div className="settings-form">
      <fieldset>
        <legend>Theme</legend>
        {THEMES.map((one) => (
          <label key={one}>
            <input type="radio" name="theme" checked={theme === one} onChange={() => setTheme(one)} />{" "}
            {NAMES[one]}
          </label>
        ))}
      </fieldset>
      <label>
        <input
          type="checkbox"
          checked={hasKeys}
          onChange={(event) => {
            singleKeys.set(event.target.checked);
            setKeys(event.target.checked);
          }}
        />{" "}
        Single letters are keys (<kbd>?</kbd> lists them)
      </label>
      <p className="muted">
        Times are shown in {Intl.DateTimeFormat().resolvedOptions().timeZone}; the UTC time is in their
        titles.
      </p>
    </div>
  );
}

/** Which server this is. */
export function About() {
  const meta = useQuery({ queryKey: ["meta"], queryFn: ({ signal }) => api.meta(signal) });
  const found = meta.data;
  if (!found) return null;
  return (
    <dl className="facts settings-about">
      {[
        ["Version", found.version],
        ["Database schema", String(found.schema)],
        ["Home", found.home ?? ""],
        ["Workspace", found.workspace],
        ["Takes on disk", bytes(found.disk_bytes)],
        ["Keys", found.auth ? "needed by every request" : "none needed: this machine only"],
      ].map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      <div>
        <dt>API keys</dt>
        <dd>
          are made where the server runs: <code>trailmark keys create NAME</code>
        </dd>
      </div>
    </dl>
  );
}
