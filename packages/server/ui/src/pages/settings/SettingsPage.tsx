import { useEffect } from "react";
import { text } from "../../model/url";
import type { PageProps } from "../../routes";
import { Tabs } from "../../ui/Tabs";
import { useUrlState } from "../../ui/useUrlState";
import { About } from "./About";
import { General } from "./General";
import { KeyList } from "./KeyList";
import { Prices } from "./Prices";
import { Projects } from "./Projects";
import { ScoreDefs } from "./ScoreDefs";
import { Storage } from "./Storage";
import { ViewList } from "./ViewList";
import "./settings.css";

const SETTINGS_STATE = { tab: text("general") };

const ofProject = (project: string) => [
  { id: "scores", label: "Scores", content: () => <ScoreDefs key={project} project={project} /> },
  { id: "views", label: "Views", content: () => <ViewList project={project} /> },
  { id: "storage", label: "Storage", content: () => <Storage project={project} /> },
];

/** What people set: for this browser, for a project, for the server. */
export default function SettingsPage({ project }: PageProps) {
  const [{ tab }, set] = useUrlState(SETTINGS_STATE);
  useEffect(() => {
    document.title = ["Settings", project, "trailmark"].filter(Boolean).join(" · ");
  }, [project]);
  return (
    <div className="settings">
      <Tabs
        open={tab}
        onOpen={(id) => set({ tab: id })}
        tabs={[
          { id: "general", label: "This browser", content: () => <General /> },
          ...(project ? ofProject(project) : []),
          { id: "prices", label: "Prices", content: () => <Prices /> },
          { id: "projects", label: "Projects", content: () => <Projects project={project} /> },
          { id: "keys", label: "Keys", content: () => <KeyList /> },
          { id: "about", label: "About", content: () => <About /> },
        ]}
      />
    </div>
  );
}
