import { parse } from "./markdownTokens";

// Long Markdown, away from the page's thread. The page gives up on it after a while.
self.onmessage = (event: MessageEvent<string>) => {
  self.postMessage(structuredClone(JSON.parse(JSON.stringify(parse(event.data)))));
};
