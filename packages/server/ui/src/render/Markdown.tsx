import { useState } from "react";
import { bytes } from "../model/format";
import { later } from "../ui/later";
import type { Tokens } from "./markdownTokens";
import { parseAside } from "./parseAside";
import { Text } from "./Text";

const View = later(
  async () => (await import("./MarkdownView")).default,
  ({ text }) => <Text text={text} />,
);
const MAX_HERE = 64 * 1024;

/** Markdown, loaded when there is some; a long text stays text until asked for. */
export function Markdown({ text }: { text: string }) {
  const [tokens, setTokens] = useState<Tokens | "busy" | "failed" | null>(null);
  if (text.length <= MAX_HERE || Array.isArray(tokens)) {
    return <View text={text} {...(Array.isArray(tokens) && { tokens })} />;
  }
  const render = async () => {
    setTokens("busy");
    setTokens((await parseAside(text)) ?? "failed");
  };
  return (
    <>
      <p className="pane-note">
        {tokens === "failed" ? (
          "It took too long to read as Markdown; this is its text."
        ) : (
          <button type="button" onClick={render} disabled={tokens === "busy"}>
            Render {bytes(text.length)} as Markdown
          </button>
        )}
      </p>
      <Text text={text} />
    </>
  );
}

const MARKS = /(^|\n)(#{1,6} |[-*] |\d+\. |> |```|\|.+\|)|\*\*[^*\n]+\*\*|`[^`\n]+`|\[[^\]\n]+\]\(/;

/** Whether a text gains by being read as Markdown. */
export const looksLikeMarkdown = (text: string): boolean => MARKS.test(text.slice(0, 4000));
