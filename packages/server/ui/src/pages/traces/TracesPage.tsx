import type { TraceRow } from "../../api/types";
import { TRACES } from "../../api/useList";
import { tracePath } from "../../model/paths";
import type { PageProps } from "../../routes";
import { TRACE_COLUMNS } from "./columns";
import { ListPage } from "./ListPage";

const placeOf = (row: TraceRow) => ({ path: tracePath(row.project, row.id), peek: row.id });
const peekOf = (peek: string) => ({ id: peek, trace: peek, span: "" });

/** The traces of a project. */
export default function TracesPage({ project }: PageProps) {
  return (
    <ListPage
      project={project}
      source={TRACES}
      known={TRACE_COLUMNS}
      one="trace"
      placeOf={placeOf}
      peekOf={peekOf}
    />
  );
}
