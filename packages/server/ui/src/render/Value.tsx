import { useState } from "react";
import type { Json } from "../api/types";
import { parsed } from "../model/chat";
import { asText, JsonTree } from "./JsonTree";
import { looksLikeMarkdown, Markdown } from "./Markdown";
import { Text } from "./Text";

export type Form = "tree" | "text" | "markdown";

/** How a value is best read, and how else it can be. */
export function formsOf(value: Json): Form[] {
  if (typeof value !== "string")
    return typeof value === "object" && value !== null ? ["tree", "text"] : ["text"];
  if (typeof parsed(value) !== "string") return ["tree", "text"];
  return looksLikeMarkdown(value) ? ["markdown", "text"] : ["text", "markdown"];
}

const NAMES: Record<Form, string> = { tree: "Tree", text: "Text", markdown: "Markdown" };

interface Props {
  value: Json;
  label: string;
  isRaw: boolean; // `m`: as text, whatever it is
}

/** A recorded value, as a tree, text or Markdown; the first choice is ours, the next somebody's. */
export function Value({ value, label, isRaw }: Props) {
  const forms = formsOf(value);
  const [chosen, setChosen] = useState<Form | null>(null);
  const form = chosen && forms.includes(chosen) ? chosen : isRaw ? "text" : (forms[0] as Form);
  return (
    <>
      {forms.length > 1 && (
        <div className="forms" role="group" aria-label={`${label} as`}>
          {forms.map((one) => (
            <button
              key={one}
              type="button"
              className="quiet"
              aria-pressed={one === form}
              onClick={() => setChosen(one)}
            >
              {NAMES[one]}
            </button>
          ))}
        </div>
      )}
      <Shown value={value} form={form} label={label} />
    </>
  );
}

function Shown({ value, form, label }: { value: Json; form: Form; label: string }) {
  if (form === "markdown") return <Markdown text={String(value)} />;
  if (form === "text") return <Text text={asText(value)} isCode={typeof value !== "string"} />;
  return <JsonTree value={typeof value === "string" ? parsed(value) : value} label={label} />;
}
