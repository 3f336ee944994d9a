import { type ReactNode, useEffect, useState } from "react";
import { visibleText } from "../model/hygiene";
import { CopyButton } from "../ui/copy";

interface Props {
  text: string;
  language: string;
}

const MAX_COLOURED = 20_000;

/** Code in a box, coloured once the highlighter is here. */
export function Code({ text, language }: Props) {
  const [coloured, setColoured] = useState<ReactNode>(null);
  useEffect(() => {
    let isGone = false;
    setColoured(null);
    if (language && text.length <= MAX_COLOURED)
      import("./highlight").then(
        ({ highlight }) => isGone || setColoured(highlight(visibleText(text), language)),
      );
    return () => {
      isGone = true;
    };
  }, [text, language]);
  return (
    <div className="code-box">
      <CopyButton text={() => text} what="code" />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
      <pre className="code" tabIndex={0}>
        <code>{coloured ?? visibleText(text)}</code>
      </pre>
    </div>
  );
}
