"""What spans know of their trace: conversation, user, tags. For roots that do not say it, or never come."""

from __future__ import annotations

import sqlite3
from typing import Any

from trailmark_server.store.codec import dumps, id_bytes, loads

__all__ = ["fill", "know"]

_GET = "SELECT thread_id, user_id, tags FROM trace_facts WHERE trace_id=?"


def know(db: sqlite3.Connection, facts: dict[str, Any]) -> bytes:
    """Keep them; in any order, and again, the same comes of it. The trace's key."""
    key = id_bytes(facts["trace_id"])
    row = db.execute(_GET, (key,)).fetchone() or (None, None, "[]")
    thread, user = (_lesser(old, facts.get(name)) for old, name in zip(row, ("thread_id", "user_id"), strict=False))
    tags = dumps(sorted({*loads(row[2]), *(facts.get("tags") or ())}))
    db.execute("INSERT OR REPLACE INTO trace_facts VALUES(?,?,?,?)", (key, thread, user, tags))
    return key


def fill(
    db: sqlite3.Connection, trace_id: bytes, thread: str | None, user: str | None, tags: str | None
) -> tuple[str | None, str | None, str | None]:
    """What the root says, and where it is silent its spans."""
    row = db.execute(_GET, (trace_id,)).fetchone()
    if row is None:
        return thread, user, tags
    said = loads(tags, [])
    more = [tag for tag in loads(row[2]) if tag not in said]
    return thread or row[0], user or row[1], dumps([*said, *more]) if more else tags


def _lesser(one: str | None, other: str | None) -> str | None:
    return min(one, other) if one and other else one or other
