"""The spans of a trace as columns, parents as row numbers. Never touches payloads."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from trailmark_server.store.codec import id_text

__all__ = ["CYCLE", "ORPHAN", "Columns", "columns", "none"]

ORPHAN: Final = 1  # its parent is not in the store
CYCLE: Final = 2  # its parent was cut: following parents came back to it
Columns = dict[str, list[Any]]
_ROWS: Final = """
SELECT span_id, parent_id, name, type, start_us, end_us, status, model, tin, tout, tcached, cost,
  first_token_us - start_us
FROM spans WHERE trace_id=? ORDER BY start_us, span_id
"""
_SCORED: Final = """
SELECT s.span_id, count(*) FROM spans s JOIN scores c ON c.kind='span' AND c.target=s.span_id
WHERE s.trace_id=? GROUP BY s.span_id
"""


def columns(db: sqlite3.Connection, key: bytes, page: slice = slice(None)) -> tuple[Columns, list[bytes]]:
    """A page of the trace's spans in order of start, and the ids of all of them."""
    rows = db.execute(_ROWS, (key,)).fetchall()
    ids = [row[0] for row in rows]
    parents, flags = _parents(ids, [row[1] for row in rows])
    scored = dict(db.execute(_SCORED, (key,)).fetchall()) if _any_scored(db) else {}
    return _turned(rows[page], parents[page], flags[page], scored), ids


def none() -> Columns:
    """Of no span."""
    return _turned([], [], [], {})


def _any_scored(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM scores WHERE kind='span' LIMIT 1").fetchone() is not None


def _turned(rows: list[tuple[Any, ...]], parents: list[int], flags: list[int], scored: dict[bytes, int]) -> Columns:
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
