import { base } from "../base";
import type { ClientReport, Meta, Project, SpanDetail, TraceDelta, TraceDetail, TracePage } from "./types";

/** The server answered, but not with what was asked for; or it did not answer (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly problem: Problem = {},
  ) {
    super(message);
  }
}

/** RFC 9457, and for a filter that cannot be read: where, and what is allowed there. */
export interface Problem {
  detail?: string;
  title?: string;
  start?: number;
  end?: number;
  expected?: string[];
}

type Query = Record<string, string | number | null | undefined>;

async function ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`${base}/api/v1${path}`, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { "Content-Type": "application/json" },
      }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer.");
  }
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as Problem;
    throw new ApiError(answer.status, problem.detail ?? problem.title ?? answer.statusText, problem);
  }
  return answer;
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await (await ask("GET", path, undefined, signal)).json()) as T;

/** POST, PUT, PATCH or DELETE; an empty answer is null. */
export async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const text = await (await ask(method, path, body ?? (method === "DELETE" ? undefined : {}))).text();
  return (text ? JSON.parse(text) : null) as T;
}

/** A search of what is given; empty values are left out. */
export function search(query: Query): string {
  const given = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  return given.length ? `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}` : "";
}

export const inProject = (project: string) => `/projects/${encodeURIComponent(project)}`;
const inTrace = (id: string) => `/traces/${encodeURIComponent(id)}`;

export const api = {
  meta: (signal?: AbortSignal) => get<Meta>("/meta", signal),
  clients: (signal?: AbortSignal) => get<ClientReport[]>("/clients", signal),
  projects: (signal?: AbortSignal) => get<Project[]>("/projects", signal),
  traces: (project: string, query: Query, signal?: AbortSignal) =>
    get<TracePage>(`${inProject(project)}/traces${search({ limit: 200, ...query })}`, signal),
  delta: (project: string, query: Query, signal?: AbortSignal) =>
    get<TraceDelta>(`${inProject(project)}/traces/delta${search(query)}`, signal),
  trace: (id: string, query: Query = {}, signal?: AbortSignal) =>
    get<TraceDetail>(`${inTrace(id)}${search(query)}`, signal),
  searchTrace: (id: string, q: string, signal?: AbortSignal) =>
    get<{ ids: number[]; truncated: boolean }>(`${inTrace(id)}/search${search({ q })}`, signal),
  span: (trace: string, id: string, maxBytes: number, signal?: AbortSignal) =>
    get<SpanDetail>(`${inTrace(trace)}/spans/${encodeURIComponent(id)}?max_bytes=${maxBytes}`, signal),
  spanById: (id: string, signal?: AbortSignal) => get<SpanDetail>(`/spans/${encodeURIComponent(id)}`, signal),
  deleteTrace: (id: string) => send<{ deleted: boolean }>("DELETE", inTrace(id)),
};
