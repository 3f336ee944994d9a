"""Scores one by one: listed with who gave them, edited with their history, taken back."""

from __future__ import annotations

import base64
import time
from typing import Any

import orjson

from trailmark_server.store import rollup
from trailmark_server.store.codec import id_text
from trailmark_server.store.errors import NotFoundError
from trailmark_server.store.read import View, key_of
from trailmark_server.store.write import Transaction

__all__ = ["drop", "history", "listed", "of_project"]

_COLUMNS = "c.kind, c.target, c.name, c.source, c.author, c.value, c.is_bool, c.label, c.reason, c.ts_us, p.name"
_FROM = "FROM scores c JOIN projects p ON p.id=c.project_id"


def listed(reader: View, kind: str, id: str, project: str | None = None) -> list[dict[str, Any]]:
    """Of one trace, span or thread; of a trace with its spans'. Oldest first."""
    of_spans = "OR (c.kind='span' AND c.target IN (SELECT span_id FROM spans WHERE trace_id=:target))"
    rows = reader._db.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE ((c.kind=:kind AND c.target=:target) {of_spans if kind == 'trace' else ''}) "
        f"{'AND p.name=:project' if project else ''} ORDER BY c.ts_us, c.name",
        {"kind": kind, "target": _target(kind, id), "project": project},
    )
    return [_shown(row) for row in rows]


def of_project(reader: View, project: str, limit: int) -> list[dict[str, Any]]:
    """The newest of a project."""
    rows = reader._db.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE p.name=? ORDER BY c.ts_us DESC, c.name LIMIT ?", (project, limit)
    )
    return [_shown(row) for row in rows]


def history(reader: View, id: str) -> list[dict[str, Any]]:
    """What the score was before, newest first."""
    kind, target, name, source, author = _key(id)
    rows = reader._db.execute(
        "SELECT value, is_bool, label, reason, ts_us, replaced_us FROM score_history "
        "WHERE kind=? AND target=? AND name=? AND source=? AND author=? ORDER BY replaced_us DESC",
        (kind, target, name, source, author),
    )
    return [{**rollup.score(*row[:4]), "ts_us": row[4], "replaced_us": row[5]} for row in rows]


def drop(writer: Transaction, id: str) -> None:
    """This one score; it stays in the history. NotFoundError when there is none."""
    kind, target, name, source, author = _key(id)
    row = writer._db.execute(
        "DELETE FROM scores WHERE kind=? AND target=? AND name=? AND source=? AND author=? "
        "RETURNING value, is_bool, label, reason, ts_us",
        (kind, target, name, source, author),
    ).fetchone()
    if row is None:
        raise NotFoundError(f"no score {id}")
    kept = (kind, target, name, source, author, *row, time.time_ns() // 1000)
    writer._db.execute(f"INSERT INTO score_history VALUES({', '.join('?' * len(kept))})", kept)
    writer._touch(kind, target)


def _target(kind: str, id: str) -> bytes:
    return id.encode() if kind == "thread" else key_of(id)


def _id(kind: str, target: bytes, name: str, source: str, author: str) -> str:
    """What names one score in an address."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, target.hex(), name, source, author])).decode().rstrip("=")


def _key(id: str) -> tuple[str, bytes, str, str, str]:
    try:
        kind, target, name, source, author = orjson.loads(base64.urlsafe_b64decode(id + "=" * (-len(id) % 4)))
        return str(kind), bytes.fromhex(target), str(name), str(source), str(author)
    except (ValueError, TypeError):
        raise NotFoundError(f"{id!r} is no score's id") from None


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    kind, target, name, source, author = row[:5]
    ids: dict[str, str | None] = {"trace_id": None, "span_id": None, "thread_id": None}
    ids[f"{kind}_id"] = target.decode() if kind == "thread" else id_text(target)
    return {
        "id": _id(kind, target, name, source, author), **ids, "project": row[10], "name": name,
        **rollup.score(*row[5:9]), "source": source, "author": author, "ts_us": row[9],
    }  # fmt: skip
