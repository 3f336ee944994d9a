"""Pages of spans, by start, and spans as the records they came from. Payloads are read for asked columns only."""

from __future__ import annotations

from typing import Any, Final

from trailmark_server.query import parse
from trailmark_server.store import rollup
from trailmark_server.store.codec import id_text, loads
from trailmark_server.store.lists import bounded, cursor_of, open_cursor, project_id, seq
from trailmark_server.store.narrow import select
from trailmark_server.store.projects import span_record
from trailmark_server.store.questions import Bounds
from trailmark_server.store.read import View, _duration

__all__ = ["span_records", "span_rows", "whole_spans"]

_ROW: Final = (
    "s.trace_id, s.span_id, s.parent_id, s.name, s.type, s.status, s.start_us, s.end_us, s.first_token_us, s.model, "
    "s.provider, s.tin, s.tout, s.cost, s.error_type, s.tags, s.input_preview, s.output_preview, s.seq"
)
_NAMES: Final = (
    "name", "type", "status", "start_us", "end_us", "first_token_us", "model", "provider", "tin", "tout", "cost",
    "error_type",
)  # fmt: skip


def span_rows(
    reader: View,
    project: str,
    *,
    query: str = "",
    bounds: Bounds = (None, None),
    sort: str = "-start",
    limit: int = 200,
    cursor: str | None = None,
    fields: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A page: `{rows, next, seq}`. QueryError for the query, CursorError for a cursor that is none of this list."""
    number = project_id(reader, project)
    rows = _page(reader, number, query, bounds, sort, limit, cursor)
    last = rows[limit - 1] if len(rows) > limit else None
    shown = [_shown(row) for row in rows[:limit]]
    scores = _scores(reader, [row[1] for row in rows[:limit]])
    for row, wide in zip(rows, shown, strict=False):
        wide["scores"] = scores.get(row[1], {})
        wide["fields"] = {name: _field(reader, row[18], name) for name in fields}
    return {"rows": shown, "next": cursor_of(sort, last[6], last[1]) if last else None, "seq": seq(reader, number)}


def whole_spans(reader: View, project: str, *, query: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{items, next}`: spans with their payloads, newest first."""
    page = span_rows(reader, project, query=query, limit=limit, cursor=cursor)
    return {"items": [reader.span(row["trace_id"], row["id"]) for row in page["rows"]], "next": page["next"]}


def span_records(
    reader: View, project: str, *, query: str, bounds: Bounds, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of native records, newest first, and the cursor of the next."""
    rows = _page(reader, project_id(reader, project), query, bounds, "-start", limit, cursor)
    last = rows[limit - 1] if len(rows) > limit else None
    found = [span_record(reader, row[1], row[0]) for row in rows[:limit]]
    return found, cursor_of("-start", last[6], last[1]) if last else None


def _page(
    reader: View, project: int, query: str, bounds: Bounds, sort: str, limit: int, cursor: str | None
) -> list[tuple[Any, ...]]:
    """One row more than asked for says that there is a next page."""
    found = select(reader._db, "spans", project, parse(query))
    where, values = bounded(found, bounds)
    order = "DESC" if sort.startswith("-") else "ASC"
    if cursor:
        where += f" AND (s.start_us, s.span_id) {'<' if order == 'DESC' else '>'} (?, ?)"
        values += open_cursor(cursor, sort)
    return reader._db.execute(
        f"SELECT {_ROW} FROM {found.source} WHERE {where} ORDER BY s.start_us {order}, s.span_id {order} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    shown = dict(zip(_NAMES, row[3:15], strict=True))
    end, first = shown.pop("end_us"), shown.pop("first_token_us")
    return {
        "id": id_text(row[1]), "trace_id": id_text(row[0]), "parent_id": id_text(row[2]) if row[2] else None, **shown,
        "dur_us": _duration(shown["start_us"], None if shown["status"] == "running" else end),
        "ttft_us": first - shown["start_us"] if first is not None else None,
        "tags": loads(row[15], []), "in": row[16] or "", "out": row[17] or "",
    }  # fmt: skip


def _scores(reader: View, ids: list[bytes]) -> dict[bytes, dict[str, Any]]:
    """By span and name; of several authors' the newest."""
    rows = reader._db.execute(
        "SELECT target, name, value, is_bool, label, reason FROM scores WHERE kind='span' "
        f"AND target IN ({', '.join('?' * len(ids))}) ORDER BY ts_us, ver, source, author",
        ids,
    )
    found: dict[bytes, dict[str, Any]] = {}
    for target, name, *score in rows:
        found.setdefault(target, {})[name] = rollup.score(*score)
    return found


def _field(reader: View, number: int, name: str) -> Any:
    """`metadata.x` of one row of a page."""
    key = "version" if name == "version" else name.partition(".")[2]
    sql = "SELECT stored(body, 'metadata', ?) FROM payloads WHERE kind=0 AND seq=?"
    row = reader._db.execute(sql, (key, number)).fetchone()
    return row[0] if row else None
