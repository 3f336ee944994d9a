import { useState } from "react";
import { toast } from "./Toast";

/** To the clipboard; without a secure context (plain http elsewhere) by the old way. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  (document.querySelector("dialog:modal") ?? document.body).append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  if (!isDone) throw new Error("the browser refused the clipboard");
}

export async function copyAndSay(text: string, what: string): Promise<void> {
  try {
    await copyText(text);
    toast(`${what} copied`);
  } catch (error) {
    toast(`${what} not copied: ${error instanceof Error ? error.message : error}`, { isError: true });
  }
}

export function CopyButton({ text, what }: { text: () => string; what: string }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    await copyText(text());
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" className="quiet" onClick={copy} aria-label={`Copy ${what}`}>
      {isDone ? "Copied" : "Copy"}
    </button>
  );
}
