import type { Project, SpanDetail, TraceDelta, TraceDetail, TracePage } from "./types";

/** The server answered, but not with what was asked for; or it did not answer (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, signal ? { signal } : {});
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer.");
  }
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string; title?: string };
    throw new ApiError(answer.status, problem.detail ?? problem.title ?? answer.statusText);
  }
  return (await answer.json()) as T;
}

const traces = (project: string) => `/projects/${encodeURIComponent(project)}/traces`;

export const api = {
  projects: (signal?: AbortSignal) => get<Project[]>("/projects", signal),
  traces: (project: string, q: string, cursor: string | null, signal?: AbortSignal) => {
    const query = new URLSearchParams({ limit: "200", ...(q && { q }), ...(cursor && { cursor }) });
    return get<TracePage>(`${traces(project)}?${query}`, signal);
  },
  delta: (project: string, since: number, signal?: AbortSignal) =>
    get<TraceDelta>(`${traces(project)}/delta?since=${since}`, signal),
  trace: (id: string, signal?: AbortSignal) => get<TraceDetail>(`/traces/${encodeURIComponent(id)}`, signal),
  span: (trace: string, id: string, maxBytes: number, signal?: AbortSignal) =>
    get<SpanDetail>(
      `/traces/${encodeURIComponent(trace)}/spans/${encodeURIComponent(id)}?max_bytes=${maxBytes}`,
      signal,
    ),
};
