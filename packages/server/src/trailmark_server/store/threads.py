"""Conversations: the traces of a project that share a thread id."""

from __future__ import annotations

import sqlite3
from typing import Any

from trailmark_server.store.codec import id_text

__all__ = ["listed"]

_LIST = """
SELECT t.thread_id, min(t.start_us), max(coalesce(t.end_us, t.start_us)), count(*), sum(t.tin), sum(t.tout),
  sum(t.cost), max(t.user_id), sum(t.error_count), sum(t.status='running')
FROM traces t JOIN projects p ON p.id=t.project_id WHERE p.name=? AND t.thread_id IS NOT NULL
GROUP BY t.thread_id ORDER BY max(t.start_us) DESC, t.thread_id LIMIT ?
"""
_ENDS = """
SELECT t.trace_id, t.input_preview, t.output_preview FROM traces t JOIN projects p ON p.id=t.project_id
WHERE p.name=? AND t.thread_id=? ORDER BY t.start_us {order}, t.trace_id {order} LIMIT 1
"""


def listed(db: sqlite3.Connection, project: str, limit: int) -> list[dict[str, Any]]:
    """By their newest trace; `in` is what began it, `out` what was said last."""
    rows = db.execute(_LIST, (project, limit)).fetchall()
    return [_shown(db, project, row) for row in rows]


def _shown(db: sqlite3.Connection, project: str, row: tuple[Any, ...]) -> dict[str, Any]:
    first = db.execute(_ENDS.format(order="ASC"), (project, row[0])).fetchone()
    last = db.execute(_ENDS.format(order="DESC"), (project, row[0])).fetchone()
    return {
        "id": row[0], "start_us": row[1], "end_us": row[2], "traces": row[3], "tin": row[4], "tout": row[5],
        "cost": row[6], "user": row[7], "errors": row[8], "running": row[9], "first_trace": id_text(first[0]),
        "last_trace": id_text(last[0]), "in": first[1] or "", "out": last[2] or "",
    }  # fmt: skip
