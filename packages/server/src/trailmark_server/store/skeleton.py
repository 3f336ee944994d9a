"""A trace's spans as columns: all that its tree and waterfall show, and no payload."""

from __future__ import annotations

from typing import Any, Final

from trailmark_server.store.codec import id_text
from trailmark_server.store.columns import Columns, columns, none
from trailmark_server.store.errors import NotFoundError
from trailmark_server.store.questions import SKELETON_PAGE
from trailmark_server.store.read import View, key_of

__all__ = ["change_of", "digits", "skeleton", "whole_id"]

_LEAST: Final = 7  # hex digits: they tell 10,000 random ids apart more often than not


def change_of(reader: View, id: str) -> int:
    """The number of the trace's newest change. NotFoundError when there is none."""
    row = reader._db.execute("SELECT change FROM traces WHERE trace_id=?", (key_of(id),)).fetchone()
    if row is None:
        raise NotFoundError(f"no trace {id}")
    return int(row[0])


def skeleton(
    reader: View,
    id: str,
    *,
    after: int = 0,
    limit: int = SKELETON_PAGE,
    since: int | None = None,
) -> dict[str, Any]:
    """A page of spans in order of start, with the trace. Unchanged `since`: without spans."""
    key, change = key_of(id), change_of(reader, id)
    trace = reader.trace_head(id, whole=False)
    if since is not None and change <= since:
        return _page(trace, none(), trace["spans"], None, change, is_unchanged=True)
    cols, ids = columns(reader._db, key, slice(after, after + limit))
    more = after + limit if len(ids) > after + limit else None
    return _page(trace, cols, len(ids), more, change, is_unchanged=False)


def _page(
    trace: dict[str, Any], cols: Columns, total: int, more: int | None, seq: int, *, is_unchanged: bool
) -> dict[str, Any]:
    return {"v": 1, "trace": trace, "cols": cols, "total": total, "next": more, "seq": seq, "unchanged": is_unchanged}


def digits(reader: View, id: str) -> int:
    """How many of the last digits of their ids tell the trace's spans apart."""
    rows = reader._db.execute("SELECT hex(span_id) FROM spans WHERE trace_id=?", (key_of(id),)).fetchall()
    return next(n for n in range(_LEAST, 33) if n == 32 or len({id[-n:] for (id,) in rows}) == len(rows))


def whole_id(reader: View, trace_id: str, ending: str) -> str:
    """The id of the trace's span that ends so. NotFoundError when none or more than one does."""
    plain = ending.replace("-", "").upper()
    if len(plain) == 32:
        return ending
    rows = []
    if len(plain) >= _LEAST:
        rows = reader._db.execute(
            "SELECT span_id FROM spans WHERE trace_id=? AND substr(hex(span_id), ?)=? LIMIT 2",
            (key_of(trace_id), -len(plain), plain),
        ).fetchall()
    if len(rows) != 1:
        raise NotFoundError(f"no span {ending} in trace {trace_id}")
    return id_text(rows[0][0])
