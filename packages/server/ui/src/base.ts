/** Where the server is mounted: empty, or the root path the server wrote into the page. */
export const base = document.querySelector<HTMLMetaElement>('meta[name="trailmark-base"]')?.content ?? "";

/** This server as programs name it: `TRAILMARK_URL`. */
export const serverUrl = `${window.location.origin}${base}`;
