import { useState } from "react";
import { Dialog } from "./Dialog";
import { boundKeys, keyCaps, singleKeys } from "./keys";

/** Every key that is bound now. */
export function Help({ onClose }: { onClose: () => void }) {
  const [isOn, setOn] = useState(singleKeys.get());
  return (
    <Dialog title="Keys" onClose={onClose} className="help">
      <div className="help-groups">
        {boundKeys().map((group) => (
          <section key={group.name}>
            <h3>{group.name}</h3>
            <dl>
              {group.bindings.map((binding) => (
                <div key={binding.keys}>
                  <dt>
                    {binding.keys.split("|").map((keys) => (
                      <KeyCaps key={keys} keys={keys} />
                    ))}
                  </dt>
                  <dd>{binding.label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label className="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={(event) => {
            singleKeys.set(event.target.checked);
            setOn(event.target.checked);
          }}
        />
        Single letters are keys (turn off when speech input types them)
      </label>
    </Dialog>
  );
}

export function KeyCaps({ keys }: { keys: string }) {
  return (
    <span className="keycaps">
      {keyCaps(keys).map((cap, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: `g g` has the same cap twice
        <kbd key={n}>{cap}</kbd>
      ))}
    </span>
  );
}
