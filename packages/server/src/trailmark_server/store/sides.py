"""What traces are found by besides their row: tags, and the scalars of their metadata."""

from __future__ import annotations

import sqlite3

__all__ = ["drop_meta", "put_meta", "put_tags"]


def put_tags(
    db: sqlite3.Connection, project_id: int, start_us: int, trace_id: bytes, tags: list[str], *, is_new: bool
) -> None:
    """Exactly these stand there for the trace."""
    if not is_new:
        db.execute("DELETE FROM trace_tags WHERE trace_id=?", (trace_id,))
    rows = [(project_id, tag, start_us, trace_id) for tag in tags]
    db.executemany("INSERT OR IGNORE INTO trace_tags VALUES(?,?,?,?)", rows)


def put_meta(
    db: sqlite3.Connection, project_id: int, start_us: int, trace_id: bytes, meta: list[tuple[str, str | float]], *,
    is_new: bool,
) -> None:  # fmt: skip
    """Exactly these stand there for the trace; what stands already is not written again."""
    rows = [(project_id, key, value, start_us, trace_id) for key, value in meta]
    if not is_new:
        sql = "SELECT project_id, key, value, start_us, trace_id FROM trace_meta WHERE trace_id=?"
        if set(db.execute(sql, (trace_id,))) == set(rows):
            return
        drop_meta(db, trace_id)
    db.executemany("INSERT OR IGNORE INTO trace_meta VALUES(?,?,?,?,?)", rows)


def drop_meta(db: sqlite3.Connection, trace_id: bytes) -> None:
    """Nothing stands there for the trace."""
    db.execute("DELETE FROM trace_meta WHERE trace_id=?", (trace_id,))
