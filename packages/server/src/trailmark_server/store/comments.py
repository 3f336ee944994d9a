"""Comments: what people say in words of a trace, a span or a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from trailmark_server.store.codec import id_text
from trailmark_server.store.errors import NotFoundError
from trailmark_server.store.read import View, key_of
from trailmark_server.store.write import Transaction

__all__ = ["drop", "get", "listed", "records"]

_SELECT: Final = (
    "SELECT c.comment_id, c.kind, c.target, p.name, c.text, c.author, c.ts_us, c.ver "
    "FROM comments c JOIN projects p ON p.id=c.project_id"
)
_OF_SPANS: Final = "OR (c.kind='span' AND c.target IN (SELECT span_id FROM spans WHERE trace_id=:target))"


def listed(reader: View, kind: str, id: str, project: str | None = None) -> list[dict[str, Any]]:
    """Of one trace, span or thread; of a trace with its spans'. Oldest first."""
    rows = reader._db.execute(
        f"{_SELECT} WHERE ((c.kind=:kind AND c.target=:target) {_OF_SPANS if kind == 'trace' else ''}) "
        f"{'AND p.name=:project' if project else ''} ORDER BY c.ts_us, c.comment_id",
        {"kind": kind, "target": id.encode() if kind == "thread" else key_of(id), "project": project},
    )
    return [_shown(row) for row in rows]


def get(reader: View, id: str) -> dict[str, Any]:
    """NotFoundError when there is none."""
    row = reader._db.execute(f"{_SELECT} WHERE c.comment_id=?", (key_of(id),)).fetchone()
    if row is None:
        raise NotFoundError(f"no comment {id}")
    return _shown(row)


def drop(writer: Transaction, id: str) -> None:
    """NotFoundError when there is none."""
    if not writer._db.execute("DELETE FROM comments WHERE comment_id=?", (key_of(id),)).rowcount:
        raise NotFoundError(f"no comment {id}")


def records(reader: View, trace_id: str) -> Iterator[dict[str, Any]]:
    """Those of a trace and its spans as native records."""
    for found in listed(reader, "trace", trace_id):
        ids = {key: found[key] for key in ("trace_id", "span_id") if found[key]}
        rest = {key: found[key] for key in ("id", "project", "text", "author", "ts_us")}
        yield {"k": "comment", **rest, **ids, "ver": found["updated_us"]}


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    id, kind, target, project, text, author, ts_us, ver = row
    ids: dict[str, str | None] = {"trace_id": None, "span_id": None, "thread_id": None}
    ids[f"{kind}_id"] = target.decode() if kind == "thread" else id_text(target)
    told = {"project": project, "text": text, "author": author, "ts_us": ts_us, "updated_us": ver}
    return {"id": id_text(id), **ids, **told}
