import bash from "highlight.js/lib/languages/bash";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import sql from "highlight.js/lib/languages/sql";
import xml from "highlight.js/lib/languages/xml";
import { createLowlight } from "lowlight";
import type { ReactNode } from "react";

const lowlight = createLowlight({ bash, javascript, json, python, sql, xml });
lowlight.registerAlias({
  bash: ["sh", "shell", "zsh", "console"],
  javascript: ["js", "jsx", "ts", "tsx", "typescript"],
  python: ["py"],
  xml: ["html", "svg"],
});

interface TreeNode {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: TreeNode[];
}

/** Coloured pieces of code; null for a language that is not known. */
export function highlight(text: string, language: string): ReactNode {
  if (!lowlight.registered(language.toLowerCase())) return null;
  return nodes(lowlight.highlight(language.toLowerCase(), text).children as TreeNode[]);
}

function nodes(children: TreeNode[]): ReactNode[] {
  return children.map((node, n) => {
    if (node.type === "text") return node.value;
    const names = Array.isArray(node.properties?.className) ? node.properties.className.join(" ") : "";
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a text have no other identity
      <span key={n} className={names}>
        {nodes(node.children ?? [])}
      </span>
    );
  });
}
