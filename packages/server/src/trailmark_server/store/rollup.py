"""A trace's row in the list, made from its root and its spans."""

from __future__ import annotations

import sqlite3
from typing import Any

from trailmark_server.store import facts
from trailmark_server.store.codec import dumps, id_text, loads

__all__ = ["as_record", "score", "trace"]

_SUMS = """
SELECT count(*), coalesce(sum(status='error'), 0), min(start_us), max(end_us),
  coalesce(sum(tin), 0), coalesce(sum(tout), 0), sum(cost), sum(status='running'), min(project_id)
FROM spans WHERE trace_id=?
"""
_FIRST = """
SELECT name, status, project_id, input_preview, output_preview FROM spans WHERE trace_id=?
ORDER BY parent_id IS NOT NULL, start_us, span_id LIMIT 1
"""


def trace(db: sqlite3.Connection, trace_id: bytes, change: int) -> None:
    """Recompute the row; without spans and root there is none."""
    count, errors, start, end, tin, tout, cost, running, _ = db.execute(_SUMS, (trace_id,)).fetchone()
    root = db.execute(
        "SELECT name, status, project_id, input_preview, output_preview, start_us, end_us, thread_id, user_id, tags "
        "FROM roots WHERE trace_id=?",
        (trace_id,),
    ).fetchone()
    if root is None:
        if not count:
            db.execute("DELETE FROM traces WHERE trace_id=?", (trace_id,))
            return
        first = db.execute(_FIRST, (trace_id,)).fetchone()
        status = "running" if running else first[1]
        root = (first[0], status, *first[2:], start, None if running else end, None, None, None)
    name, status, project_id, preview_in, preview_out, start_us, end_us = root[:7]
    thread, user, tags = facts.fill(db, trace_id, *root[7:])
    models = [m for (m,) in db.execute(
        "SELECT DISTINCT model FROM spans WHERE trace_id=? AND model IS NOT NULL ORDER BY model", (trace_id,)
    )]  # fmt: skip
    scores = db.execute(
        "SELECT name, value, is_bool, label, reason FROM scores WHERE kind='trace' AND target=? ORDER BY ts_us, ver",
        (trace_id,),
    )
    row = (
        trace_id, project_id, change, name, status, start_us, end_us, thread, user, count, errors, tin, tout, cost,
        dumps(models), tags or "[]", dumps({s[0]: score(*s[1:]) for s in scores}), preview_in, preview_out,
    )  # fmt: skip
    db.execute(f"INSERT OR REPLACE INTO traces VALUES({', '.join('?' * len(row))})", row)


def score(value: float | None, is_bool: int, label: str | None, reason: str | None) -> dict[str, Any]:
    """A score as the API shows it."""
    shown: Any = value
    if value is not None:
        shown = bool(value) if is_bool else int(value) if value == int(value) and abs(value) < 2**53 else value
    return {"value": shown, "label": label, "reason": reason}


def as_record(kind: str, row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """A stored span or root as the record it came from."""
    shared = {key: row.get(key) for key in ("project", "name", "status", "start_us", "end_us", "ver")}
    if kind == "trace":
        own: dict[str, Any] = {key: row[key] for key in ("thread_id", "user_id", "environment") if key in row}
        tags = {"tags": loads(row["tags"])} if "tags" in row else {}
        return {"k": "trace", "id": id_text(row["trace_id"]), **shared, **own, **tags, **body}
    record = {
        "k": "span", "id": id_text(row["span_id"]), "trace_id": id_text(row["trace_id"]), **shared, "type": row["type"],
        "parent_id": id_text(row["parent_id"]) if "parent_id" in row else None, **body,
    }  # fmt: skip
    for key in ("first_token_us", "model", "provider", "cost"):
        if key in row:
            record[key] = row[key]
    for key in ("usage", "tags"):
        if key in row:
            record[key] = loads(row[key])
    return record
