"""A trace's spans as columns: all that its tree and waterfall show, and no payload."""

from __future__ import annotations

from typing import Any, Final

from trailmark_server.store.codec import id_text
from trailmark_server.store.errors import NotFoundError
from trailmark_server.store.read import Reader, _key

__all__ = ["CYCLE", "ORPHAN", "PAGE", "change_of", "skeleton", "whole_id"]

PAGE: Final = 20_000
ORPHAN: Final = 1  # its parent is not in the store
CYCLE: Final = 2  # its parent was cut: following parents came back to it
_ROWS: Final = """
SELECT span_id, parent_id, name, type, start_us, end_us, status, model, tin, tout,
  json_extract(usage, '$.input_cached'), cost, first_token_us - start_us
FROM spans WHERE trace_id=? ORDER BY start_us, span_id
"""
_SCORED: Final = """
SELECT s.span_id, count(*) FROM spans s JOIN scores c ON c.kind='span' AND c.target=s.span_id
WHERE s.trace_id=? GROUP BY s.span_id
"""


def change_of(reader: Reader, id: str) -> int:
    """The number of the trace's newest change. NotFoundError when there is none."""
    row = reader._db.execute("SELECT change FROM traces WHERE trace_id=?", (_key(id),)).fetchone()
    if row is None:
        raise NotFoundError(f"no trace {id}")
    return int(row[0])


def skeleton(
    reader: Reader, id: str, *, after: int = 0, limit: int = PAGE, since: int | None = None, compact: bool = False
) -> dict[str, Any]:
    """A page of spans in order of start, with the trace. Unchanged `since`: without spans.

    `compact`: ids are their shortest endings that tell them apart, starts are differences to the row before.
    """
    key, change = _key(id), change_of(reader, id)
    trace = reader.trace_head(id, whole=False)
    if since is not None and change <= since:
        cols = _columns([], [], [], {})
        return _page(trace, cols, trace["spans"], None, change, is_unchanged=True)
    rows = reader._db.execute(_ROWS, (key,)).fetchall()
    parents, flags = _parents([row[0] for row in rows], [row[1] for row in rows])
    scored = dict(reader._db.execute(_SCORED, (key,)).fetchall()) if _any_scored(reader) else {}
    page = slice(after, after + limit)
    cols = _columns(rows[page], parents[page], flags[page], scored)
    if compact:
        _shorten(cols, [row[0] for row in rows], page)
    more = after + limit if len(rows) > after + limit else None
    return _page(trace, cols, len(rows), more, change, is_unchanged=False)


def _page(
    trace: dict[str, Any], cols: dict[str, list[Any]], total: int, more: int | None, seq: int, *, is_unchanged: bool
) -> dict[str, Any]:
    return {"v": 1, "trace": trace, "cols": cols, "total": total, "next": more, "seq": seq, "unchanged": is_unchanged}


def _any_scored(reader: Reader) -> bool:
    return reader._db.execute("SELECT 1 FROM scores WHERE kind='span' LIMIT 1").fetchone() is not None


def _columns(
    rows: list[tuple[Any, ...]], parents: list[int], flags: list[int], scored: dict[bytes, int]
) -> dict[str, list[Any]]:
    names = ("name", "type", "start_us", "status", "model", "tin", "tout", "tcached", "cost", "ttft_us")
    turned = zip(*((*row[2:5], *row[6:]) for row in rows), strict=True) if rows else ([] for _ in names)
    columns = dict(zip(names, map(list, turned), strict=True))
    return {
        "id": [id_text(row[0]) for row in rows],
        "parent": parents,
        **columns,
        "dur_us": [-1 if row[5] is None or row[6] == "running" else max(0, row[5] - row[4]) for row in rows],
        "scores": [scored.get(row[0], 0) for row in rows],
        "flags": flags,
    }


def _parents(ids: list[bytes], given: list[bytes | None]) -> tuple[list[int], list[int]]:
    """Row indexes, -1 for roots, orphans and where a circle was cut; and the flags that say which."""
    index = {id: n for n, id in enumerate(ids)}
    found = [-1 if parent is None else index.get(parent, -1) for parent in given]
    flags = [ORPHAN if parent is not None and at < 0 else 0 for parent, at in zip(given, found, strict=True)]
    settled = bytearray(len(ids))  # 1: on the path that is walked, 2: leads to a root
    for start in range(len(found)):
        path, at = [], start
        while at >= 0 and not settled[at]:
            settled[at] = 1
            path.append(at)
            at = found[at]
        if at >= 0 and settled[at] == 1:
            found[at], flags[at] = -1, CYCLE
        for row in path:
            settled[row] = 2
    return found, flags


def _shorten(cols: dict[str, list[Any]], ids: list[bytes], page: slice) -> None:
    whole = [id.hex() for id in ids]
    length = next(n for n in (8, 10, 12, 16, 32) if n == 32 or len({id[-n:] for id in whole}) == len(whole))
    cols["id"] = [id[-length:] for id in whole[page]]
    starts = cols["start_us"]
    cols["start_us"] = [at - before for at, before in zip(starts, [0, *starts], strict=False)]


def whole_id(reader: Reader, trace_id: str, ending: str) -> str:
    """The id of the trace's span that ends so. NotFoundError when none or more than one does."""
    plain = ending.replace("-", "").lower()
    if len(plain) == 32:
        return ending
    try:
        half = bytes.fromhex(plain)
    except ValueError:
        half = b""
    rows = []
    if len(half) >= 4:
        rows = reader._db.execute(
            "SELECT span_id FROM spans WHERE trace_id=? AND substr(span_id, ?)=? LIMIT 2",
            (_key(trace_id), -len(half), half),
        ).fetchall()
    if len(rows) != 1:
        raise NotFoundError(f"no span {ending} in trace {trace_id}")
    return id_text(rows[0][0])
