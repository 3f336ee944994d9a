import { useState } from "react";
import type { Json } from "../api/types";
import { base } from "../base";

const HTML = /^\s*(<!doctype html|<html|<svg|<\?xml)/i;
const MOST = 2000; // members looked at

/** Where in a value a document is that can be looked at, as the server's path; null when there is none. */
export function documentIn(value: Json, path: string): string | null {
  const stack: [Json, string][] = [[value, path]];
  for (let n = 0; stack.length && n < MOST; n++) {
    const [one, at] = stack.pop() as [Json, string];
    if (typeof one === "string" && HTML.test(one)) return at;
    if (typeof one !== "object" || one === null) continue;
    for (const key of Object.keys(one))
      if (!key.includes(".")) stack.push([(one as { [key: string]: Json })[key] ?? null, `${at}.${key}`]);
  }
  return null;
}

interface Props {
  traceId: string;
  spanId: string;
  path: string;
}

/** A recorded document, on request, in a frame in which nothing of it can run, load or leave. */
export function Preview({ traceId, spanId, path }: Props) {
  const [isOpen, setOpen] = useState(false);
  if (!isOpen) {
    return (
      <button type="button" className="quiet" onClick={() => setOpen(true)}>
        Preview {path}
      </button>
    );
  }
  return (
    <div className="preview">
      <button type="button" className="quiet" onClick={() => setOpen(false)}>
        Close the preview
      </button>
      <iframe
        sandbox=""
        title={`Preview of ${path}`}
        src={`${base}/api/v1/traces/${traceId}/spans/${spanId}/preview?path=${encodeURIComponent(path)}`}
      />
    </div>
  );
}
