"""A trace's row in the list, made from its root and its spans; a thread's, made from its traces."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from trailmark_server.store import facts, sides
from trailmark_server.store.codec import dumps, loads

__all__ = ["score", "thread", "trace"]

# total, not sum: stores from before token counts had a bound hold some whose sum passes 64 bits, and sum then fails
_SUMS: Final = """
SELECT count(*), coalesce(sum(status='error'), 0), min(start_us), max(end_us), CAST(total(tin) AS INTEGER),
  CAST(total(tout) AS INTEGER), CAST(total(tcached) AS INTEGER), sum(cost), coalesce(sum(status='running'), 0),
  json_group_array(DISTINCT model) FILTER (WHERE model IS NOT NULL)
FROM spans WHERE trace_id=?
"""
_FIRST: Final = """
SELECT name, status, project_id, input_preview, output_preview FROM spans WHERE trace_id=?
ORDER BY parent_id IS NOT NULL, start_us, span_id LIMIT 1
"""
_ROOT: Final = """
SELECT r.name, r.status, r.project_id, coalesce(r.input_preview, s.input_preview),
  coalesce(r.output_preview, s.output_preview), r.start_us, r.end_us, r.thread_id, r.user_id, r.tags,
  r.ver
FROM roots r LEFT JOIN spans s ON s.trace_id=r.trace_id AND s.span_id=r.span_id WHERE r.trace_id=?
"""
_BEFORE: Final = "SELECT project_id, start_us, tags, thread_id FROM traces WHERE trace_id=?"
_COLUMNS: Final = (
    "trace_id", "project_id", "change", "name", "status", "start_us", "end_us", "thread_id", "user_id", "span_count",
    "error_count", "tin", "tout", "tcached", "cost", "models", "tags", "scores", "input_preview", "output_preview",
)  # fmt: skip
_PUT: Final = (
    f"INSERT INTO traces({', '.join(_COLUMNS)}) VALUES({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT(trace_id) DO UPDATE SET {', '.join(f'{name}=excluded.{name}' for name in _COLUMNS[1:])}"
)
_THREAD: Final = """
SELECT count(*), min(start_us), max(start_us), max(coalesce(end_us, start_us)),
  CAST(total(tin) AS INTEGER), CAST(total(tout) AS INTEGER), sum(cost),
  sum(error_count), sum(status='running'), max(user_id)
FROM traces WHERE project_id=? AND thread_id=?
"""
_END: Final = (
    "SELECT trace_id FROM traces WHERE project_id=? AND thread_id=? ORDER BY start_us {0}, trace_id {0} LIMIT 1"
)


def trace(db: sqlite3.Connection, trace_id: bytes, change: int) -> set[tuple[int, str]]:
    """Recompute the row; without spans and root there is none. Returns the threads that were touched."""
    before = db.execute(_BEFORE, (trace_id,)).fetchone()
    row = _row(db, trace_id, change)
    if row is not None:
        db.execute(_PUT, row)
    elif before is not None:
        db.execute("DELETE FROM traces WHERE trace_id=?", (trace_id,))
    if before is not None and (row is None or row[1] != before[0]):
        db.execute("INSERT INTO removals VALUES(?,?,?)", (before[0], change, trace_id))
    after = (row[1], row[5], row[16], row[7]) if row is not None else (0, 0, "[]", None)
    if (before or (0, 0, "[]"))[:3] != after[:3]:
        sides.put_tags(db, after[0], after[1], trace_id, loads(after[2]), is_new=before is None)
    return {(of[0], of[3]) for of in (before, after) if of is not None and of[3] is not None}


def _row(db: sqlite3.Connection, trace_id: bytes, change: int) -> tuple[Any, ...] | None:
    count, errors, start, end, tin, tout, cached, cost, running, models = db.execute(_SUMS, (trace_id,)).fetchone()
    root = db.execute(_ROOT, (trace_id,)).fetchone()
    if root is None or (not root[10] and count):  # none, or only edits of it: its first span stands in
        if not count:
            return None
        first = db.execute(_FIRST, (trace_id,)).fetchone()
        status = "running" if running else first[1]
        known = root[7:10] if root is not None else (None, None, None)
        root = (first[0], status, *first[2:], start, None if running else end, *known, 0)
    name, status, project_id, preview_in, preview_out, start_us, end_us = root[:7]
    thread_id, user, tags = facts.fill(db, trace_id, *root[7:10])
    scores = db.execute(
        "SELECT name, value, is_bool, label, reason FROM scores WHERE kind='trace' AND target=? "
        "ORDER BY ts_us, ver, source, author",
        (trace_id,),
    )
    return (
        trace_id, project_id, change, name, status, start_us, end_us, thread_id, user, count, errors, tin, tout,
        cached, cost, dumps(sorted(loads(models))), tags or "[]", dumps({s[0]: score(*s[1:]) for s in scores}),
        preview_in, preview_out,
    )  # fmt: skip


def thread(db: sqlite3.Connection, project_id: int, thread_id: str) -> None:
    """Recompute the row; without traces there is none."""
    key = (project_id, thread_id)
    count, first, last, end, *sums = db.execute(_THREAD, key).fetchone()
    if not count:
        db.execute("DELETE FROM threads WHERE project_id=? AND thread_id=?", key)
        return
    tin, tout, cost, errors, running, user = sums
    ends = [db.execute(_END.format(order), key).fetchone()[0] for order in ("ASC", "DESC")]
    row = (*key, first, last, end, count, tin, tout, cost, errors, running, user, *ends)
    db.execute(f"INSERT OR REPLACE INTO threads VALUES({', '.join('?' * len(row))})", row)


def score(value: float | None, is_bool: int, label: str | None, reason: str | None) -> dict[str, Any]:
    """A score as the API shows it."""
    shown: Any = value
    if value is not None:
        shown = bool(value) if is_bool else int(value) if value == int(value) and abs(value) < 2**53 else value
    return {"value": shown, "label": label, "reason": reason}
