import { useEffect } from "react";
import { Projects } from "../settings/Projects";
import "../settings/settings.css";

/** Every project of the workspace: what came to it, and making, renaming and deleting one. */
export default function ProjectsPage() {
  useEffect(() => {
    document.title = "Projects · trailmark";
  }, []);
  return (
    <div className="settings">
      <h1>Projects</h1>
      <Projects project="" />
    </div>
  );
}
