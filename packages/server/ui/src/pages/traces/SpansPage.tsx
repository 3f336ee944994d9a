import { useCallback, useMemo } from "react";
import type { SpanRow } from "../../api/types";
import { SPANS } from "../../api/useList";
import { tracePath } from "../../model/paths";
import type { PageProps } from "../../routes";
import { ListPage } from "./ListPage";
import { spanColumns } from "./spanColumns";

function peekOf(peek: string) {
  const [trace = "", span = ""] = peek.split(".");
  return { id: span, trace, span };
}

/** The spans of a project, whichever traces they are in. */
export default function SpansPage({ project }: PageProps) {
  const known = useMemo(() => spanColumns(project), [project]);
  const placeOf = useCallback(
    (row: SpanRow) => ({ path: tracePath(project, row.trace_id, row.id), peek: `${row.trace_id}.${row.id}` }),
    [project],
  );
  return (
    <ListPage project={project} source={SPANS} known={known} one="span" placeOf={placeOf} peekOf={peekOf} />
  );
}
