"""Pages of traces, what changed since, how many there are and when. Never touches payloads of other rows
than those it answers with; pages are keyset."""

from __future__ import annotations

import base64
from typing import Any, Final

import orjson

from trailmark_server.query import parse
from trailmark_server.store.codec import id_text
from trailmark_server.store.errors import CursorError
from trailmark_server.store.filters import span_condition, trace_condition
from trailmark_server.store.narrow import Selection, select
from trailmark_server.store.questions import Bounds, Of
from trailmark_server.store.read import _FROM, _ROW, View, _trace_row

__all__ = [
    "bounded",
    "changes",
    "count",
    "cursor_of",
    "histogram",
    "newest_change",
    "open_cursor",
    "project_id",
    "seq",
    "span_of_time",
    "trace_rows",
    "where_of",
    "whole_traces",
]

# What `traces_time` holds: to sort by it, that index is read and not the rows.
_SORTS: Final = {
    "start": "t.start_us",
    "duration": "coalesce(t.end_us - t.start_us, -1)",
    "cost": "coalesce(t.cost, -1)",
    "tokens": "t.tin + t.tout",
}
_COUNTED: Final = 20_000
_FAILED: Final = {
    "traces": ("t.start_us", "t.error_count > 0 OR t.status='error'"), "spans": ("s.start_us", "s.status='error'"),
}  # fmt: skip


def project_id(reader: View, name: str) -> int:
    """Its number; -1, which nothing has, when there is no such project (yet)."""
    row = reader._db.execute("SELECT id FROM projects WHERE name=?", (name,)).fetchone()
    return row[0] if row else -1


def newest_change(reader: View, project: str) -> int:
    """The number of the newest change in a project, deletions included."""
    return seq(reader, project_id(reader, project))


def seq(reader: View, project: int) -> int:
    """The number of the newest change in a project, deletions included."""
    [found] = reader._db.execute(
        "SELECT max(coalesce((SELECT max(change) FROM traces WHERE project_id=:p), 0), "
        "coalesce((SELECT max(change) FROM removals WHERE project_id=:p), 0))", {"p": project},
    ).fetchone()  # fmt: skip
    return int(found)


def trace_rows(
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
    key, order = _SORTS[sort.removeprefix("-")], "DESC" if sort.startswith("-") else "ASC"
    found = select(reader._db, "traces", number, parse(query), by_start=key == _SORTS["start"])
    where, values = bounded(found, bounds)
    key = found.start if key == _SORTS["start"] else key
    if cursor:
        where += f" AND ({key}, {found.id}) {'<' if order == 'DESC' else '>'} (?, ?)"
        values += open_cursor(cursor, sort)
    rows = reader._db.execute(
        f"SELECT {_ROW}, k.key FROM (SELECT {found.id} AS id, {key} AS key FROM {found.source} WHERE {where} "
        f"ORDER BY 2 {order}, 1 {order} LIMIT ?) k CROSS JOIN traces t ON t.trace_id=k.id "
        f"CROSS JOIN projects p ON p.id=t.project_id ORDER BY k.key {order}, k.id {order}",
        (*values, limit + 1),
    ).fetchall()
    shown = [_trace_row(row[:-1]) for row in rows[:limit]]
    for row, wide in zip(rows, shown, strict=False):
        wide["fields"] = {name: _field(reader, row[0], name) for name in fields}
    last = rows[limit - 1] if len(rows) > limit else None
    return {"rows": shown, "next": cursor_of(sort, last[-1], last[0]) if last else None, "seq": seq(reader, number)}


def whole_traces(reader: View, project: str, *, query: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{items, next}`: traces with their payloads, newest first."""
    page = trace_rows(reader, project, query=query, limit=limit, cursor=cursor)
    return {"items": [reader.trace_head(row["id"]) for row in page["rows"]], "next": page["next"]}


def changes(
    reader: View, project: str, *, since: int, query: str, limit: int, fields: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What changed after `since`, oldest first: rows that match the query, and the ids that left it or the store."""
    number = project_id(reader, project)
    condition, values = trace_condition(parse(query))
    rows = reader._db.execute(
        f"SELECT {_ROW}, t.change, {condition} {_FROM} WHERE t.project_id=? AND t.change>? ORDER BY t.change LIMIT ?",
        (*values, number, since, limit + 1),
    ).fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    reached = rows[-1][-2] if more else seq(reader, number)
    gone = reader._db.execute(
        "SELECT trace_id FROM removals WHERE project_id=? AND change>? AND change<=? ORDER BY change",
        (number, since, reached),
    )
    deleted = [id_text(id) for (id,) in gone] + [id_text(row[0]) for row in rows if not row[-1]]
    upserts = [
        {**_trace_row(row[:-2]), "fields": {name: _field(reader, row[0], name) for name in fields}}
        for row in rows
        if row[-1]
    ]
    return {
        "upserts": upserts,
        "deleted": deleted,
        "seq": reached,
        "more": more,
    }


def count(reader: View, project: str, *, query: str, bounds: Bounds, of: Of = "traces") -> dict[str, Any]:
    """Exact up to 20,000 rows looked at; beyond them in proportion."""
    number = project_id(reader, project)
    row, id, conditions = ("t", "trace_id", trace_condition) if of == "traces" else ("s", "span_id", span_condition)
    inside, only = where_of(("1", []), row, number, bounds)
    [total] = reader._db.execute(f"SELECT count(*) FROM {of} {row} WHERE {inside}", only).fetchone()
    if not query.strip():
        return {"estimate": total, "exact": True}
    narrow = select(reader._db, of, number, parse(query))
    if narrow.is_narrow:
        where, values = bounded(narrow, bounds)
        [hits] = reader._db.execute(f"SELECT count(*) FROM {narrow.source} WHERE {where}", values).fetchone()
        return {"estimate": hits, "exact": True}
    condition, found = conditions(parse(query))
    [hits] = reader._db.execute(
        f"SELECT coalesce(sum({condition}), 0) FROM (SELECT * FROM {of} {row} WHERE {inside} "
        f"ORDER BY {row}.start_us DESC, {row}.{id} DESC LIMIT ?) {row}",
        (*found, *only, _COUNTED),
    ).fetchone()
    if total <= _COUNTED:
        return {"estimate": hits, "exact": True}
    return {"estimate": round(hits * total / _COUNTED), "exact": False}


def histogram(
    reader: View,
    project: str,
    *,
    query: str,
    bounds: Bounds,
    buckets: int,
    of: Of = "traces",
) -> dict[str, Any]:
    """Rows by time of start, and how many of them failed; without bounds, over all there are."""
    number = project_id(reader, project)
    start, end = span_of_time(reader, number, bounds, of)
    step = max(1000, -(-(end - start) // buckets))
    step = -(-step // 1000) * 1000  # whole milliseconds
    found = select(reader._db, of, number, parse(query))
    where, values = bounded(found, (start, end))
    began, failed = _FAILED[of]
    rows = reader._db.execute(
        f"SELECT ({began} - ?) / ?, count(*), sum({failed}) FROM {found.source} WHERE {where} GROUP BY 1",
        (start, step, *values),
    )
    size = max(1, -(-(end - start) // step))
    counts, errors = [0] * size, [0] * size
    for bucket, n, bad in rows:
        counts[bucket], errors[bucket] = n, bad
    return {"t0": start, "step_ms": step // 1000, "n": counts, "err": errors}


def span_of_time(reader: View, project: int, bounds: Bounds, of: Of = "traces") -> tuple[int, int]:
    """The bounds, an open one closed by the first or just after the last row."""
    first, last = reader._db.execute(
        f"SELECT (SELECT min(start_us) FROM {of} WHERE project_id=:p), "
        f"(SELECT max(start_us) FROM {of} WHERE project_id=:p)", {"p": project},
    ).fetchone()  # fmt: skip
    start = bounds[0] if bounds[0] is not None else first if first is not None else 0
    end = bounds[1] if bounds[1] is not None else (last if last is not None else 0) + 1
    return start, max(end, start + 1)


def cursor_of(sort: str, key: float, id: bytes) -> str:
    """Where a page ends: its sort, the last row's key and id."""
    return base64.urlsafe_b64encode(orjson.dumps([sort, key, id.hex()])).decode().rstrip("=")


def open_cursor(cursor: str, sort: str) -> list[Any]:
    """Key and id. CursorError when it is none, or of another order."""
    try:
        of, key, id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        found = [key, bytes.fromhex(id)]
        is_ours = of == sort and isinstance(key, (int, float))
    except (ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise CursorError(f"cursor is {cursor!r}; allowed: the `next` of an answer in the same order")
    return found


def where_of(condition: tuple[str, list[Any]], table: str, project: int, bounds: Bounds) -> tuple[str, list[Any]]:
    """The condition within a project and a time."""
    sql, values = condition
    parts, given = [f"{table}.project_id=?"], [project]
    for bound, test in zip(bounds, (">=", "<"), strict=True):
        if bound is not None:
            parts.append(f"{table}.start_us {test} ?")
            given.append(bound)
    return " AND ".join([*parts, sql]), [*given, *values]


def bounded(found: Selection, bounds: Bounds) -> tuple[str, list[Any]]:
    """The condition of a selection, within bounds of time."""
    where, values = found.where, list(found.values)
    for bound, test in zip(bounds, (">=", "<"), strict=True):
        if bound is not None:
            where += f" AND {found.start} {test} ?"
            values.append(bound)
    return where, values


def _field(reader: View, trace_id: bytes, name: str) -> Any:
    """`metadata.x`, `env` of one row of a page."""
    values: list[Any]
    if name == "env":
        sql, values = "SELECT environment FROM roots WHERE trace_id=?", [trace_id]
    elif name == "ttft":
        sql = "SELECT min(first_token_us - start_us) FROM spans WHERE trace_id=? AND first_token_us IS NOT NULL"
        values = [trace_id]
    else:
        part, key = ("metadata", "version") if name == "version" else ("metadata", name.partition(".")[2])
        sql = (
            "SELECT coalesce(stored(b.body, ?1, ?2), stored(s.body, ?1, ?2)) FROM roots r "
            "LEFT JOIN payloads b ON b.kind=1 AND b.seq=r.seq "
            "LEFT JOIN spans x ON x.trace_id=r.trace_id AND x.span_id=r.span_id "
            "LEFT JOIN payloads s ON s.kind=0 AND s.seq=x.seq WHERE r.trace_id=?3"
        )
        values = [part, key, trace_id]
    row = reader._db.execute(sql, values).fetchone()
    return row[0] if row else None
