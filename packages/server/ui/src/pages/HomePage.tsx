import { useQuery } from "@tanstack/react-query";
import { Redirect } from "wouter";
import { api } from "../api/client";
import { tracesPath } from "../model/paths";
import { Notice } from "../ui/Notice";
import { TopBar } from "../ui/TopBar";
import { Empty } from "./Empty";

/** Goes on to the project with the newest trace; waits, and says what to do, while there is none. */
export function HomePage() {
  document.title = "trailmark";
  const projects = useQuery({
    queryKey: ["projects"],
    queryFn: ({ signal }) => api.projects(signal),
    refetchInterval: 1000,
  });
  const newest = projects.data?.find((project) => project.traces > 0);
  if (newest) return <Redirect to={tracesPath(newest.name)} replace />;
  return (
    <>
      <TopBar />
      {projects.isError && <Notice title="The server does not answer">{projects.error.message}</Notice>}
      {projects.data && <Empty />}
    </>
  );
}
