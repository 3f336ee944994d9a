import { useState } from "react";
import { Route, Router, Switch, useLocation } from "wouter";
import { useIsClosed } from "./api/door";
import { base } from "./base";
import { pagePath } from "./model/paths";
import { NotFound, type PageProps, type PageRoute, ROUTES } from "./routes";
import { Announcer } from "./ui/Announcer";
import { Boundary } from "./ui/Boundary";
import { Footer } from "./ui/Footer";
import { Help } from "./ui/Help";
import { useKeys } from "./ui/keys";
import { later } from "./ui/later";
import "./ui/looks"; // before anything is drawn
import "./ui/place"; // it must hear of every step
import { Palette } from "./ui/Palette";
import { Toasts } from "./ui/Toast";
import { TopBar } from "./ui/TopBar";

const SignIn = later(
  async () => (await import("./pages/home/SignIn")).default,
  () => null,
);

export function App() {
  if (useIsClosed()) return <SignIn />;
  return (
    <Router base={base}>
      <Switch>
        {ROUTES.map((route) => (
          <Route key={route.path} path={route.path}>
            {(params) => <Frame route={route} params={params as unknown as Record<string, string>} />}
          </Route>
        ))}
        <Route>
          <Frame route={{ path: "", Page: NotFound }} params={{}} />
        </Route>
      </Switch>
      <Toasts />
      <Announcer />
    </Router>
  );
}

type Open = "palette" | "projects" | "help" | null;

/** What is around every page: top bar, footer, palette, help, and the keys for them. */
function Frame({ route, params }: { route: PageRoute; params: Record<string, string> }) {
  const [open, setOpen] = useState<Open>(null);
  const [, navigate] = useLocation();
  const props: PageProps = { project: decoded(params.project), id: decoded(params.id) };
  const { project } = props;
  useKeys("Everywhere", [
    { keys: "mod+k", label: "Search or jump", inFields: true, run: () => setOpen("palette") },
    { keys: "?", label: "All keys", run: () => setOpen("help") },
    { keys: "g p", label: "Go to a project", run: () => setOpen("projects") },
    ...(project ? ROUTES : []).flatMap(({ nav }) =>
      nav
        ? [
            {
              keys: `g ${nav.key}`,
              label: `Go to ${nav.label.toLowerCase()}`,
              run: () => navigate(pagePath(project, nav.to)),
            },
          ]
        : [],
    ),
    { keys: "Escape", label: "Close, or up" },
  ]);
  const close = () => setOpen(null);
  return (
    <>
      <TopBar
        project={project}
        path={route.path}
        onProjects={() => setOpen("projects")}
        onPalette={() => setOpen("palette")}
        onHelp={() => setOpen("help")}
      />
      <main className="page">
        <Boundary key={`${route.path} ${project} ${props.id}`}>
          <route.Page {...props} />
        </Boundary>
      </main>
      <Footer project={project} />
      {(open === "palette" || open === "projects") && (
        <Palette project={project} only={open === "projects" ? "projects" : undefined} onClose={close} />
      )}
      {open === "help" && <Help onClose={close} />}
    </>
  );
}

function decoded(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? "");
  } catch {
    return part ?? ""; // a stray % somebody typed
  }
}
