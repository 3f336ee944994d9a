import { useState } from "react";
import { Dialog } from "../../ui/Dialog";

interface Props {
  title: string;
  label: string;
  action: string;
  initial?: string;
  isAllowed: (typed: string) => boolean;
  onClose: () => void;
  onDone: (typed: string) => void;
}

/** Asks for a word: a new name, or a name typed to confirm. */
export function TypedDialog({ title, label, action, initial = "", isAllowed, onClose, onDone }: Props) {
  const [typed, setTyped] = useState(initial);
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="settings-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isAllowed(typed)) onDone(typed);
        }}
      >
        <label>
          {label} <input type="text" value={typed} onChange={(event) => setTyped(event.target.value)} />
        </label>
        <div className="actions">
          <button type="submit" disabled={!isAllowed(typed)}>
            {action}
          </button>
          <button type="button" onClick={onClose}>
            Leave it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
