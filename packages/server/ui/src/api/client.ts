import { base } from "../base";
import { opened } from "../model/skeleton";
import { closeDoor } from "./door";
import type {
  ClientReport,
  Comment,
  Compared,
  Count,
  FieldInfo,
  Figures,
  Histogram,
  Job,
  KnownKey,
  KnownScore,
  MadeKey,
  Meta,
  Metrics,
  NewComment,
  NewKey,
  NewScore,
  Parsed,
  Price,
  Project,
  Retention,
  SavedView,
  ScoreDef,
  Session,
  Settings,
  Skeleton,
  SpanDetail,
  SpanPage,
  Thread,
  ThreadPage,
  TopRow,
  TraceDelta,
  TraceDetail,
  TracePage,
  ValueInfo,
} from "./types";

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

/** What a row of a list is. */
export type Rows = "traces" | "spans";
type Query = Record<string, string | number | null | undefined>;
type Done = { done: number };

declare global {
  interface Window {
    trailmarkFirst?: { url: string; answer: Promise<Response> } | undefined; // by boot.js
  }
}

/** The answer boot.js already asked for, once. */
function taken(url: string): Promise<Response> | undefined {
  const first = window.trailmarkFirst;
  if (first?.url !== url) return undefined;
  window.trailmarkFirst = undefined;
  return first.answer;
}

async function ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  let answer: Response;
  try {
    const url = `${base}/api/v1${path}`;
    answer = await ((method === "GET" && taken(url)) ||
      fetch(url, {
        method,
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { "Content-Type": "application/json" },
        }),
        ...(signal && { signal }),
      }));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer.");
  }
  if (!answer.ok) {
    if (answer.status === 401 && path !== "/session") closeDoor();
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
  spans: (project: string, query: Query, signal?: AbortSignal) =>
    get<SpanPage>(`${inProject(project)}/spans${search({ limit: 200, ...query })}`, signal),
  trace: (id: string, query: Query = {}, signal?: AbortSignal) =>
    get<TraceDetail>(`${inTrace(id)}${search(query)}`, signal),
  /** The same in few bytes: what the page's own tree and waterfall need. */
  skeleton: async (id: string, query: Query = {}, signal?: AbortSignal) =>
    opened(await get<Skeleton>(`${inTrace(id)}/skeleton${search(query)}`, signal), Number(query.after ?? 0)),
  figures: (id: string) => get<Figures>(`${inTrace(id)}/figures`),
  searchTrace: (id: string, q: string, signal?: AbortSignal) =>
    get<{ rows: number[]; truncated: boolean }>(`${inTrace(id)}/search${search({ q })}`, signal),
  span: (trace: string, id: string, maxBytes: number, signal?: AbortSignal) =>
    get<SpanDetail>(`${inTrace(trace)}/spans/${encodeURIComponent(id)}?max_bytes=${maxBytes}`, signal),
  spanById: (id: string, signal?: AbortSignal) => get<SpanDetail>(`/spans/${encodeURIComponent(id)}`, signal),
  count: (project: string, of: Rows, query: Query, signal?: AbortSignal) =>
    get<Count>(`${inProject(project)}/${of}/count${search(query)}`, signal),
  histogram: (project: string, query: Query, signal?: AbortSignal) =>
    get<Histogram>(`${inProject(project)}/histogram${search(query)}`, signal),
  fields: (project: string, prefix: string, signal?: AbortSignal) =>
    get<FieldInfo[]>(`${inProject(project)}/fields${search({ prefix })}`, signal),
  values: (project: string, field: string, prefix: string, signal?: AbortSignal) =>
    get<ValueInfo[]>(`${inProject(project)}/values${search({ field, prefix })}`, signal),
  parse: (q: string) => send<Parsed>("POST", "/query/parse", { q }),
  views: (project: string, signal?: AbortSignal) => get<SavedView[]>(`/views${search({ project })}`, signal),
  saveView: (view: Omit<SavedView, "id">) => send<SavedView>("POST", "/views", view),
  replaceView: ({ id, ...view }: SavedView) =>
    send<SavedView>("PUT", `/views/${encodeURIComponent(id)}`, view),
  deleteView: (id: string) => send<null>("DELETE", `/views/${encodeURIComponent(id)}`),
  /** What was done, or the job that does it when there are many. */
  bulk: (project: string, body: object) => send<Done | Job>("POST", `${inProject(project)}/bulk`, body),
  jobs: (signal?: AbortSignal) => get<Job[]>("/jobs", signal),
  job: (id: string, signal?: AbortSignal) => get<Job>(`/jobs/${encodeURIComponent(id)}`, signal),
  stopJob: (id: string) => send<null>("DELETE", `/jobs/${encodeURIComponent(id)}`),
  metrics: (project: string, query: Query, signal?: AbortSignal) =>
    get<Metrics>(`${inProject(project)}/metrics${search(query)}`, signal),
  top: (project: string, query: Query, signal?: AbortSignal) =>
    get<TopRow[]>(`${inProject(project)}/top${search(query)}`, signal),
  threads: (project: string, query: Query, signal?: AbortSignal) =>
    get<ThreadPage>(`${inProject(project)}/threads${search(query)}`, signal),
  thread: (project: string, id: string, query: Query, signal?: AbortSignal) =>
    get<Thread>(`/threads/${encodeURIComponent(id)}${search({ project, ...query })}`, signal),
  compare: (a: string, b: string, signal?: AbortSignal) =>
    get<Compared>(`/compare${search({ a, b })}`, signal),
  scores: (of: Query, signal?: AbortSignal) => get<KnownScore[]>(`/scores${search(of)}`, signal),
  giveScore: (score: Partial<NewScore> & { name: string }) => send<KnownScore>("POST", "/scores", score),
  takeScoreBack: (id: string) => send<null>("DELETE", `/scores/${encodeURIComponent(id)}`),
  comments: (of: Query, signal?: AbortSignal) => get<Comment[]>(`/comments${search(of)}`, signal),
  comment: (comment: NewComment) => send<Comment>("POST", "/comments", comment),
  dropComment: (id: string) => send<null>("DELETE", `/comments/${encodeURIComponent(id)}`),
  scoreDefs: (project: string, signal?: AbortSignal) =>
    get<ScoreDef[]>(`${inProject(project)}/score-defs`, signal),
  defineScores: (project: string, defs: ScoreDef[]) =>
    send<ScoreDef[]>("PUT", `${inProject(project)}/score-defs`, defs),
  settings: (signal?: AbortSignal) => get<Settings>("/settings", signal),
  changeSettings: (settings: Settings) => send<Settings>("PUT", "/settings", settings),
  retention: (project: string, days: number, signal?: AbortSignal) =>
    get<Retention>(`${inProject(project)}/retention${search({ days })}`, signal),
  prices: (signal?: AbortSignal) => get<Price[]>("/prices", signal),
  setPrice: (price: Price) => send<Price>("PUT", "/prices", price),
  dropPrice: (model: string, provider: string) =>
    send<null>("DELETE", `/prices${search({ model, provider })}`),
  session: (signal?: AbortSignal) => get<Session>("/session", signal),
  signIn: (key: string) => send<Session>("POST", "/session", { key }),
  signOut: () => send<null>("DELETE", "/session"),
  keys: (signal?: AbortSignal) => get<KnownKey[]>("/keys", signal),
  createKey: (key: NewKey) => send<MadeKey>("POST", "/keys", key),
  revokeKey: (id: string) => send<null>("DELETE", `/keys/${encodeURIComponent(id)}`),
  loadSamples: (project: string) => send<{ done: number }>("POST", `${inProject(project)}/samples`),
  createProject: (name: string) => send<Project>("POST", "/projects", { name }),
  renameProject: (project: string, name: string) => send<Project>("PATCH", inProject(project), { name }),
  deleteProject: (project: string, expected: number) =>
    send<Done | Job>("DELETE", `${inProject(project)}${search({ expected })}`),
  deleteTrace: (id: string) => send<{ deleted: boolean }>("DELETE", inTrace(id)),
};
