/** Addresses of the page. */

const inProject = (project: string, rest: string) => `/p/${encodeURIComponent(project)}/${rest}`;

const withQuery = (path: string, query: Record<string, string>) => {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return search ? `${path}?${search}` : path;
};

export const tracesPath = (project: string, q = "", t = "") =>
  withQuery(inProject(project, "traces"), { q, t });

export const tracePath = (project: string, id: string, span = "") =>
  withQuery(inProject(project, `traces/${id}`), { span });

export const pagePath = (project: string, page: string) => inProject(project, page);

export const threadPath = (project: string, id: string) =>
  inProject(project, `threads/${encodeURIComponent(id)}`);

export const comparePath = (project: string, a: string, b: string) =>
  withQuery(inProject(project, "compare"), { a, b });

/** A trace or span id in what somebody pasted: an id, or an address of ours. */
export function pastedId(text: string): string | null {
  const found = /(?:^|[/=])([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})(?:$|[/?#&])/i.exec(text.trim());
  if (!found?.[1]) return null;
  const hex = found[1].replaceAll("-", "").toLowerCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** `score.x` or `metadata.x` for the filter language: the name quoted where it must be. */
export const keyed = (field: string, key: string) =>
  `${field}.${/^[\w-]+(\.[\w-]+)*$/.test(key) ? key : `"${key.replaceAll(/(["\\])/g, "\\$1")}"`}`;

/** A value for the filter language: quoted where it must be. */
export const quoted = (value: string) =>
  /^[\w./@:+-]+$/.test(value) && !/\.\./.test(value) ? value : `"${value.replaceAll(/(["\\])/g, "\\$1")}"`;
