/** Where the server is mounted: empty, or the root path the server wrote into the page. */
export const base = document.querySelector<HTMLMetaElement>('meta[name="trailmark-base"]')?.content ?? "";
