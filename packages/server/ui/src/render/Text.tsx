import { useState } from "react";
import { count } from "../model/format";
import { visibleText } from "../model/hygiene";

const SHOWN = 20_000;

/** Text as it is, never as HTML; long ones are cut until asked for. */
export function Text({ text, isCode = false }: { text: string; isCode?: boolean }) {
  const [isWhole, setWhole] = useState(text.length <= SHOWN);
  return (
    <div className={isCode ? "text mono" : "text"} dir="auto">
      {visibleText(isWhole ? text : text.slice(0, SHOWN))}
      {!isWhole && (
        <button type="button" className="load-all" onClick={() => setWhole(true)}>
          Show all {count(text.length)} characters
        </button>
      )}
    </div>
  );
}
