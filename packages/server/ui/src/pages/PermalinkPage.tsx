import { useQuery } from "@tanstack/react-query";
import { Redirect } from "wouter";
import { ApiError, api } from "../api/client";
import { tracePath } from "../model/paths";
import { Notice } from "../ui/Notice";
import { TopBar } from "../ui/TopBar";

/** `/t/{id}`: a trace that has not arrived yet is waited for. */
export function PermalinkPage({ id }: { id: string }) {
  document.title = "trailmark";
  const found = useQuery({
    queryKey: ["trace", id],
    queryFn: ({ signal }) => api.trace(id, signal),
    refetchInterval: (query) => (query.state.data ? false : 1000),
    retry: false,
  });
  if (found.data) return <Redirect to={tracePath(found.data.trace.project, id)} replace />;
  const isMissing = found.error instanceof ApiError && found.error.status === 404;
  return (
    <>
      <TopBar />
      {found.isError && (
        <Notice title={isMissing ? "This trace has not arrived" : "The server does not answer"}>
          <p className="muted">{isMissing ? `The page opens when ${id} is here.` : found.error.message}</p>
        </Notice>
      )}
    </>
  );
}
