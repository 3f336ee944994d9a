/** Addresses of the page. */

export const tracesPath = (project: string, q = "") =>
  `/p/${encodeURIComponent(project)}/traces${q ? `?q=${encodeURIComponent(q)}` : ""}`;

export const tracePath = (project: string, id: string) => `/p/${encodeURIComponent(project)}/traces/${id}`;
