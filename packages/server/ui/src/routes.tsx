import type { ComponentType } from "react";
import { later } from "./ui/later";
import { Loading } from "./ui/States";

/** What a page gets: the parts of its address. */
export interface PageProps {
  project: string;
  id: string;
}

export interface PageRoute {
  path: string;
  Page: ComponentType<PageProps>;
  nav?: { label: string; to: string; key: string }; // in the top bar, and at `g` and the key
}

/** Every page is a chunk of its own, loaded when it is opened. */
const page = (load: () => Promise<{ default: ComponentType<PageProps> }>) =>
  later(
    async () => (await load()).default,
    () => <Loading />,
  );

export const ROUTES: PageRoute[] = [
  { path: "/", Page: page(() => import("./pages/home/HomePage")) },
  { path: "/projects", Page: page(() => import("./pages/projects/ProjectsPage")) },
  { path: "/settings", Page: page(() => import("./pages/settings/SettingsPage")) },
  { path: "/t/:id", Page: page(() => import("./pages/home/PermalinkPage")) },
  { path: "/s/:id", Page: page(() => import("./pages/home/PermalinkPage")) },
  { path: "/p/:project/traces/:id", Page: page(() => import("./pages/trace/TracePage")) },
  {
    path: "/p/:project/traces",
    Page: page(() => import("./pages/traces/TracesPage")),
    nav: { label: "Traces", to: "traces", key: "t" },
  },
  {
    path: "/p/:project/spans",
    Page: page(() => import("./pages/traces/SpansPage")),
    nav: { label: "Spans", to: "spans", key: "n" },
  },
  { path: "/p/:project/threads/:id", Page: page(() => import("./pages/threads/ThreadPage")) },
  {
    path: "/p/:project/threads",
    Page: page(() => import("./pages/threads/ThreadsPage")),
    nav: { label: "Threads", to: "threads", key: "h" },
  },
  { path: "/p/:project/compare", Page: page(() => import("./pages/compare/ComparePage")) },
  {
    path: "/p/:project/dashboard",
    Page: page(() => import("./pages/dashboard/DashboardPage")),
    nav: { label: "Dashboard", to: "dashboard", key: "d" },
  },
  {
    path: "/p/:project/review",
    Page: page(() => import("./pages/review/ReviewPage")),
    nav: { label: "Review", to: "review", key: "r" },
  },
  {
    path: "/p/:project/settings",
    Page: page(() => import("./pages/settings/SettingsPage")),
    nav: { label: "Settings", to: "settings", key: "s" },
  },
];

export const NotFound = page(() => import("./pages/home/NotFoundPage"));
