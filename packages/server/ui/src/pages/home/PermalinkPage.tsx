import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Redirect, useLocation } from "wouter";
import { ApiError, api } from "../../api/client";
import { tracePath } from "../../model/paths";
import type { PageProps } from "../../routes";
import { Failed, Loading, Notice } from "../../ui/States";

const AGAIN_MS = 1000;

/** `/t/{id}` and `/s/{id}`: a trace or span that has not arrived yet is waited for. */
export default function PermalinkPage({ id }: PageProps) {
  useEffect(() => {
    document.title = "trailmark";
  }, []);
  const isSpan = useLocation()[0].startsWith("/s/");
  const found = useQuery({
    queryKey: ["permalink", id],
    queryFn: ({ signal }) => (isSpan ? placeOfSpan(id, signal) : placeOf(id, signal)),
    refetchInterval: (query) => (query.state.data ? false : AGAIN_MS),
    retry: false,
  });
  if (found.data) return <Redirect to={found.data} replace />;
  if (!found.isError) return <Loading />;
  const isMissing = found.error instanceof ApiError && found.error.status === 404;
  if (!isMissing) return <Failed what="The server does not answer" error={found.error} />;
  return (
    <Notice title="This trace has not arrived">
      <p className="muted">This page opens it as soon as {id} is here.</p>
    </Notice>
  );
}

async function placeOf(id: string, signal: AbortSignal): Promise<string> {
  try {
    const { trace } = await api.trace(id, {}, signal);
    return tracePath(trace.project, trace.id);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    return placeOfSpan(id, signal); // pasted, so that nobody knew which it is
  }
}

async function placeOfSpan(id: string, signal: AbortSignal): Promise<string> {
  const span = await api.spanById(id, signal);
  return tracePath(span.project, span.trace_id, span.id);
}
