import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Redirect } from "wouter";
import { api } from "../../api/client";
import { tracesPath } from "../../model/paths";
import { Failed, Loading } from "../../ui/States";
import { Quickstart } from "./Quickstart";

/** Goes on to the project with the newest trace; waits, and says what to do, while there is none. */
export default function HomePage() {
  useEffect(() => {
    document.title = "trailmark";
  }, []);
  const projects = useQuery({
    queryKey: ["projects"],
    queryFn: ({ signal }) => api.projects(signal),
    refetchInterval: 1000,
  });
  const newest = projects.data?.find((project) => project.traces > 0);
  if (newest) return <Redirect to={tracesPath(newest.name)} replace />;
  if (projects.data) return <Quickstart project={projects.data[0]?.name ?? null} />;
  if (projects.isError)
    return (
      <Failed what="The server does not answer" error={projects.error} onRetry={() => projects.refetch()} />
    );
  return <Loading />;
}
