import { useState } from "react";
import { singleKeys } from "../../ui/keys";
import { densityShown, isUtc, setDensity, setUtc } from "../../ui/looks";
import { setTheme, THEMES, useTheme } from "../../ui/theme";

const NAMES = { system: "As the system", light: "Light", dark: "Dark" };

/** What only this browser keeps. */
export function General() {
  const theme = useTheme();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [density, setDensityShown] = useState(densityShown);
  const [utc, setUtcShown] = useState(isUtc);
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
      <fieldset>
        <legend>Rows of lists</legend>
        {(["comfortable", "compact"] as const).map((one) => (
          <label key={one}>
            <input
              type="radio"
              name="density"
              checked={density === one}
              onChange={() => {
                setDensity(one);
                setDensityShown(one);
              }}
            />{" "}
            {one}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Times</legend>
        {[false, true].map((one) => (
          <label key={String(one)}>
            <input
              type="radio"
              name="zone"
              checked={utc === one}
              onChange={() => {
                setUtc(one);
                setUtcShown(one);
              }}
            />{" "}
            {one ? "UTC" : `of this browser (${zone})`}
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
    </div>
  );
}
