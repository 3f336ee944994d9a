import { Route, Switch } from "wouter";
import { HomePage } from "./pages/HomePage";
import { NotFoundPage } from "./pages/NotFoundPage";
import { PermalinkPage } from "./pages/PermalinkPage";
import { TracePage } from "./pages/TracePage";
import { TracesPage } from "./pages/TracesPage";

export function App() {
  return (
    <Switch>
      <Route path="/" component={HomePage} />
      <Route path="/p/:project/traces/:id">
        {({ project, id }) => <TracePage key={id} project={decodeURIComponent(project)} id={id} />}
      </Route>
      <Route path="/p/:project/traces">
        {({ project }) => <TracesPage key={project} project={decodeURIComponent(project)} />}
      </Route>
      <Route path="/t/:id">{({ id }) => <PermalinkPage id={id} />}</Route>
      <Route component={NotFoundPage} />
    </Switch>
  );
}
