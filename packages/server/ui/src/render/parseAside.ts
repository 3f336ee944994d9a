import workerUrl from "./markdown.worker?worker&url";
import type { Tokens } from "./markdownTokens";

const PATIENCE_MS = 2000;

declare global {
  interface Window {
    trustedTypes?: {
      createPolicy: (
        name: string,
        rules: { createScriptURL: (url: string) => string },
      ) => {
        createScriptURL: (url: string) => unknown;
      };
    };
  }
}

/** The only policy of the page: it lets exactly our own worker's address through. There is none for HTML. */
const policy = window.trustedTypes?.createPolicy("trailmark-worker", {
  createScriptURL: (url: string) => {
    if (new URL(url, window.location.href).href !== new URL(workerUrl, window.location.href).href)
      throw new TypeError("not a worker of ours");
    return url;
  },
});

/** Tokens of a long Markdown text; null when they take more than two seconds. */
export function parseAside(text: string): Promise<Tokens | null> {
  const address = policy ? (policy.createScriptURL(workerUrl) as unknown as string) : workerUrl;
  const worker = new Worker(address, { type: "module" });
  return new Promise((resolve) => {
    const done = (tokens: Tokens | null) => {
      clearTimeout(timer);
      worker.terminate();
      resolve(tokens);
    };
    const timer = setTimeout(() => done(null), PATIENCE_MS);
    worker.onmessage = (event: MessageEvent<Tokens>) => done(event.data);
    worker.onerror = () => done(null);
    worker.postMessage(text);
  });
}
