"""Conversations: the traces of a project that share a thread id."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from trailmark_server.store.codec import id_text

__all__ = ["listed"]

_LIST: Final = """
SELECT h.thread_id, h.first_us, h.end_us, h.trace_count, h.tin, h.tout, h.cost, h.user_id, h.error_count, h.running,
  h.first_trace, h.last_trace, f.input_preview, l.output_preview
FROM threads h JOIN projects p ON p.id=h.project_id
JOIN traces f ON f.trace_id=h.first_trace JOIN traces l ON l.trace_id=h.last_trace
WHERE p.name=? ORDER BY h.last_us DESC, h.thread_id DESC LIMIT ?
"""


def listed(db: sqlite3.Connection, project: str, limit: int) -> list[dict[str, Any]]:
    """By their newest trace; `in` is what began it, `out` what was said last."""
    return [_shown(row) for row in db.execute(_LIST, (project, limit))]


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "id": row[0], "start_us": row[1], "end_us": row[2], "traces": row[3], "tin": row[4], "tout": row[5],
        "cost": row[6], "user": row[7], "errors": row[8], "running": row[9], "first_trace": id_text(row[10]),
        "last_trace": id_text(row[11]), "in": row[12] or "", "out": row[13] or "",
    }  # fmt: skip
