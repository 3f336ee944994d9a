"""What can be asked for: fields of the filter language and their values, counted over the newest rows of a project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from trailmark_server.query import FIELDS
from trailmark_server.store.codec import unpack
from trailmark_server.store.lists import project_id
from trailmark_server.store.read import View

__all__ = ["fields", "values"]

_MOST: Final = 50
_ROWS: Final = 5000  # looked at: the answer comes in milliseconds, however large the project
_BODIES: Final = 200
_OF_TRACE: Final = {"name": "t.name", "status": "t.status", "user": "t.user_id", "thread": "t.thread_id"}
_OF_SPAN: Final = {
    "kind": "s.type", "model": "s.model", "provider": "s.provider", "error.type": "s.error_type"
}  # fmt: skip
_NEWEST: Final = "(SELECT * FROM traces WHERE project_id=:p ORDER BY start_us DESC, trace_id DESC LIMIT :n) t"
_SPANS: Final = "(SELECT * FROM spans WHERE project_id=:p ORDER BY start_us DESC, span_id DESC LIMIT :n) s"


def fields(reader: View, project: str, prefix: str) -> list[dict[str, Any]]:
    """`{name, type, n}` of those that begin with the prefix; `n`: in how many rows of the sample, if it was counted."""
    number = project_id(reader, project)
    found: list[dict[str, Any]] = [{"name": name, "type": kind, "n": None} for name, kind in FIELDS.items()]
    scores = reader._db.execute(
        "SELECT name, count(*), max(value IS NULL) FROM scores WHERE project_id=? GROUP BY name", (number,)
    )
    found += [{"name": f"score.{name}", "type": "text" if texts else "number", "n": n} for name, n, texts in scores]
    counts: Counter[str] = Counter()
    types: dict[str, str] = {}
    for metadata in _metadata(reader, number):
        for key, value in _leaves(metadata):
            counts[key] += 1
            types[key] = "text" if isinstance(value, str) else "number"
    found += [{"name": f"metadata.{key}", "type": types[key], "n": n} for key, n in counts.most_common()]
    return [field for field in found if field["name"].startswith(prefix)][:_MOST]


def values(reader: View, project: str, field: str, prefix: str) -> list[dict[str, Any]]:
    """`{value, n}` of those that begin with the prefix, most frequent first."""
    number = project_id(reader, project)
    counts: Counter[str] = Counter()
    for value, n in _counted(reader, number, field):
        shown = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        if shown.lower().startswith(prefix.lower()):
            counts[shown] += n
    return [{"value": value, "n": n} for value, n in counts.most_common(_MOST)]


def _counted(reader: View, project: int, field: str) -> Iterable[tuple[Any, int]]:
    sample = {"p": project, "n": _ROWS}
    if field in _OF_TRACE or field in _OF_SPAN:
        column, source = (_OF_TRACE[field], _NEWEST) if field in _OF_TRACE else (_OF_SPAN[field], _SPANS)
        sql = f"SELECT {column}, count(*) FROM {source} WHERE {column} IS NOT NULL GROUP BY 1"
        return reader._db.execute(sql, sample).fetchall()
    if field == "tag":
        sql = f"SELECT value, count(*) FROM {_NEWEST}, json_each(t.tags) GROUP BY 1"
        return reader._db.execute(sql, sample).fetchall()
    if field == "env":
        sql = f"SELECT r.environment, count(*) FROM {_NEWEST} JOIN roots r USING(trace_id) WHERE r.environment IS NOT NULL GROUP BY 1"  # noqa: E501
        return reader._db.execute(sql, sample).fetchall()
    if field.startswith("score."):
        return reader._db.execute(
            "SELECT coalesce(label, value), count(*) FROM scores WHERE project_id=? AND name=? "
            "AND coalesce(label, value) IS NOT NULL GROUP BY 1",
            (project, field.partition(".")[2]),
        ).fetchall()
    if field == "has":
        return [(name, 1) for name in ("error", "image", "audio", "feedback")]
    key = "version" if field == "version" else field.partition(".")[2]
    return [(dict(_leaves(metadata)).get(key), 1) for metadata in _metadata(reader, project)
            if key in dict(_leaves(metadata))]  # fmt: skip


def _metadata(reader: View, project: int) -> Iterator[dict[str, Any]]:
    """Of the newest traces: their own, and their root spans'."""
    rows = reader._db.execute(
        f"SELECT b.body, s.body FROM {_NEWEST} JOIN roots r USING(trace_id) "
        "LEFT JOIN payloads b ON b.kind=1 AND b.seq=r.seq "
        "LEFT JOIN spans x ON x.trace_id=r.trace_id AND x.span_id=r.span_id "
        "LEFT JOIN payloads s ON s.kind=0 AND s.seq=x.seq",
        {"p": project, "n": _BODIES},
    )
    for bodies in rows.fetchall():
        merged: dict[str, Any] = {}
        for body in bodies:
            found = unpack(body).get("metadata") if body is not None else None
            merged |= found if isinstance(found, dict) else {}
        yield merged


def _leaves(metadata: dict[str, Any], head: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, value in metadata.items():
        if isinstance(value, dict) and depth < 3:
            yield from _leaves(value, f"{head}{key}.", depth + 1)
        elif isinstance(value, (str, int, float)):
            yield f"{head}{key}", {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
