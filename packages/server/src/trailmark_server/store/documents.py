"""Small things people set: views, score definitions, settings. A JSON text each, under a kind and a key."""

from __future__ import annotations

import time
from typing import Any

from trailmark_server.store.codec import dumps, loads
from trailmark_server.store.errors import NotFoundError
from trailmark_server.store.read import View
from trailmark_server.store.write import Transaction

__all__ = ["drop", "get", "listed", "put"]


def listed(reader: View, kind: str) -> list[dict[str, Any]]:
    """All of a kind, by key."""
    rows = reader._db.execute("SELECT key, body FROM documents WHERE kind=? ORDER BY key", (kind,))
    return [{"id": key, **loads(body)} for key, body in rows]


def get(reader: View, kind: str, key: str) -> Any:
    """The value; None when it was never set."""
    row = reader._db.execute("SELECT body FROM documents WHERE kind=? AND key=?", (kind, key)).fetchone()
    return loads(row[0]) if row else None


def put(writer: Transaction, kind: str, key: str, value: Any) -> None:
    """Set, or replace."""
    row = (kind, key, dumps(value), time.time_ns() // 1000)
    writer._db.execute("INSERT OR REPLACE INTO documents(kind, key, body, ts_us) VALUES(?,?,?,?)", row)


def drop(writer: Transaction, kind: str, key: str) -> None:
    """NotFoundError when there is none."""
    if not writer._db.execute("DELETE FROM documents WHERE kind=? AND key=?", (kind, key)).rowcount:
        raise NotFoundError(f"no {kind} {key!r}")
