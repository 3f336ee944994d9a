import { diffLines, diffWordsWithSpace } from "diff";
import { useMemo } from "react";
import { visibleText } from "../../model/hygiene";

const WORDS = 40_000; // characters up to which words are compared; past it lines
const PATIENCE_MS = 400;
const CONTEXT = 240; // characters of what is the same on each side of a change

/** One text with what A had struck out and what B has instead; long parts that are the same are folded. */
export default function TextDiff({ a, b }: { a: string; b: string }) {
  const changes = useMemo(() => {
    const isShort = a.length + b.length <= WORDS;
    const words = isShort ? diffWordsWithSpace(a, b, { timeout: PATIENCE_MS }) : undefined;
    return words ?? diffLines(a, b, { timeout: PATIENCE_MS });
  }, [a, b]);
  if (!changes) return <p className="muted">These are too different to be compared part by part.</p>;
  return (
    <div className="diff mono" dir="auto">
      {changes.map((change, n) => {
        const text = visibleText(change.value);
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other identity
        if (change.removed) return <del key={n}>{text}</del>;
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other identity
        if (change.added) return <ins key={n}>{text}</ins>;
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other identity
        return <Same key={n} text={text} isFirst={n === 0} isLast={n === changes.length - 1} />;
      })}
    </div>
  );
}

function Same({ text, isFirst, isLast }: { text: string; isFirst: boolean; isLast: boolean }) {
  const [head, tail] = [isFirst ? 0 : CONTEXT, isLast ? 0 : CONTEXT];
  if (text.length <= head + tail + CONTEXT) return <span>{text}</span>;
  return (
    <span>
      {text.slice(0, head)}
      <span className="muted diff-fold"> … {text.length - head - tail} characters the same … </span>
      {tail > 0 && text.slice(-tail)}
    </span>
  );
}
