import type { Status as StatusName } from "../api/types";

const MARK: Record<StatusName, string> = {
  ok: "✓",
  error: "✕",
  running: "◌",
  cancelled: "–",
  interrupted: "⊘",
};

/** The state as shape and colour; as a word too where there is room. */
export function Status({ status, word = false }: { status: StatusName; word?: boolean }) {
  return (
    <span className={`status status-${status}`} title={status}>
      <span aria-hidden="true">{MARK[status]}</span>
      <span className={word ? "" : "sr-only"}>{status}</span>
    </span>
  );
}
