import { useState } from "react";
import { singleKeys } from "../../ui/keys";
import { setTheme, THEMES, useTheme } from "../../ui/theme";

const NAMES = { system: "As the system", light: "Light", dark: "Dark" };

/** What only this browser keeps. */
export function General() {
  const theme = useTheme();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
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
        Times are shown in {zone}
        {zone !== "UTC" && "; the UTC time is in their titles"}.
      </p>
    </div>
  );
}
