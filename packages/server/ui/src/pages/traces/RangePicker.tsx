import { useState } from "react";
import { when } from "../../model/format";
import { PRESETS, rangeLabel } from "../../model/range";
import { Popover } from "../../ui/Popover";

interface Props {
  t: string;
  onRange: (t: string) => void;
}

/** Presets, or from and to in this browser's time zone. */
export function RangePicker({ t, onRange }: Props) {
  return (
    <Popover label={`${rangeLabel(t, when)} ▾`} title="Time range">
      {(close) => (
        <div className="range">
          {PRESETS.map(([value, label]) => (
            <button
              key={value}
              type="button"
              className="menu-item"
              aria-pressed={value === t}
              onClick={() => {
                onRange(value);
                close();
              }}
            >
              {label}
            </button>
          ))}
          <Between
            onRange={(next) => {
              onRange(next);
              close();
            }}
          />
        </div>
      )}
    </Popover>
  );
}

function Between({ onRange }: { onRange: (t: string) => void }) {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [start, end] = [Date.parse(from) * 1000, Date.parse(to) * 1000];
  return (
    <form
      className="between"
      onSubmit={(event) => {
        event.preventDefault();
        onRange(`${start}..${end}`);
      }}
    >
      <label>
        From <input type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} />
      </label>
      <label>
        To <input type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      <button type="submit" disabled={!(start < end)}>
        Show
      </button>
    </form>
  );
}
