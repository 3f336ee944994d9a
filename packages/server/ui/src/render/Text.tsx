import { useState } from "react";
import { count } from "../model/format";

const SHOWN = 20_000;
// Characters that make text look like other text: control characters and bidirectional overrides.
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;

const visible = (text: string) =>
  text.replace(UNSEEN, (c) => `⟨${c.charCodeAt(0).toString(16).padStart(4, "0")}⟩`);

/** Text as it is, never as HTML; long ones are cut until asked for. */
export function Text({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(text.length <= SHOWN);
  return (
    <div className="text" dir="auto">
      {visible(isWhole ? text : text.slice(0, SHOWN))}
      {!isWhole && (
        <button type="button" className="load-all" onClick={() => setWhole(true)}>
          Show all {count(text.length)} characters
        </button>
      )}
    </div>
  );
}
