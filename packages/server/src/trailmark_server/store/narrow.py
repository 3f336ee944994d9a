"""The fast way to what a query finds: by the condition that the fewest traces meet, read from its own index."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Final, Literal

from trailmark_server.query import AllOf, AnyOf, Condition, Node, OneSpan, Text
from trailmark_server.store.codec import id_bytes
from trailmark_server.store.filters import KEYED, Sql, compared, marked, scored, span_condition, trace_condition
from trailmark_server.store.text import Phrase

__all__ = ["FEW", "Selection", "select"]

FEW: Final = 2_000  # traces read and sorted in some milliseconds
PHRASES: Final = 8_000  # texts read for words side by side in a fraction of a second
SOME: Final = 30_000  # trace ids gathered in some milliseconds; of more, one finds enough along the way
WAITING: Final = 1_000  # spans not in the text index yet that are read one by one, newest first
_COVERED: Final = {"duration": ("end_us - start_us", 1e6), "cost": ("cost", 1.0), "tokens": ("tin + tout", 1.0)}
_OF_TRACES: Final = {"user": "user_id", "thread": "thread_id COLLATE BINARY", "name": "name"}
_WORDS: Final = """
SELECT s.trace_id FROM words w CROSS JOIN spans s ON s.seq=w.rowid/2
WHERE w.words MATCH ? AND w.rowid%2=0 AND s.project_id=?{in_span}
UNION ALL SELECT r.trace_id FROM words w CROSS JOIN roots r ON r.seq=w.rowid/2
WHERE w.words MATCH ? AND w.rowid%2=1 AND r.project_id=?{in_root}
UNION ALL SELECT s.trace_id FROM (SELECT seq FROM unindexed WHERE kind=0 ORDER BY seq DESC LIMIT {waiting}) u
CROSS JOIN spans s ON s.seq=u.seq CROSS JOIN payloads b ON b.kind=0 AND b.seq=s.seq
WHERE s.project_id=? AND said(s.name, b.body, ?)
UNION ALL SELECT r.trace_id FROM (SELECT seq FROM unindexed WHERE kind=1 ORDER BY seq DESC LIMIT {waiting}) u
CROSS JOIN roots r ON r.seq=u.seq CROSS JOIN payloads b ON b.kind=1 AND b.seq=r.seq
WHERE r.project_id=? AND said(r.name, b.body, ?)
"""
_IN_SPAN: Final = " AND said(s.name, (SELECT body FROM payloads WHERE kind=0 AND seq=s.seq), ?)"
_IN_ROOT: Final = " AND said(r.name, (SELECT body FROM payloads WHERE kind=1 AND seq=r.seq), ?)"


@dataclass(frozen=True, slots=True)
class Selection:
    """`FROM source WHERE where`, its values in that order; ordered by time it is by `start` and `id`."""

    source: str
    where: str
    values: list[Any]
    start: str
    id: str
    is_narrow: bool = False  # few enough to look at each


@dataclass(frozen=True, slots=True)
class _Way:
    """SQL that gives the ids of all traces a condition can hold for; `timed`: it can be read in order of time."""

    sql: str
    values: list[Any]
    count: int
    timed: tuple[str, str] | None = None  # a side table, and its condition


def select(
    db: sqlite3.Connection, table: Literal["traces", "spans"], project_id: int, node: Node, *, by_start: bool = True
) -> Selection:
    """What the query finds of a project, as `traces t` or `spans s`. `by_start`: it will be read in order of time."""
    row, id, condition = ("t", "trace_id", trace_condition) if table == "traces" else ("s", "span_id", span_condition)
    sql, values = condition(node)
    where, given = f"{row}.project_id=? AND {sql}", [project_id, *values]
    order = f"{row}.start_us", f"{row}.{id}"
    way = _Ways(db, project_id, of_spans=table == "spans").of(node)
    if way is not None and way.count <= FEW:
        source = f"(SELECT DISTINCT trace_id FROM ({way.sql})) d CROSS JOIN {table} {row} ON {row}.trace_id=d.trace_id"
        return Selection(source, where, [*way.values, *given], *order, is_narrow=True)
    if way is not None and way.timed is not None and by_start and table == "traces":
        side, holds = way.timed
        source = f"{side} d CROSS JOIN traces t ON t.trace_id=d.trace_id"
        return Selection(
            source, f"{holds} AND {where}", [*way.values, *given], "d.start_us", "d.trace_id", way.count <= SOME
        )
    if way is not None and way.timed is None and way.count <= SOME:
        inside = f"+{row}.trace_id IN ({way.sql})"
        return Selection(f"{table} {row}", f"{inside} AND {where}", [*way.values, *given], *order, is_narrow=True)
    return Selection(f"{table} {row}", where, given, *order)


class _Ways:
    def __init__(self, db: sqlite3.Connection, project_id: int, *, of_spans: bool) -> None:
        self._db, self._project, self._of_spans = db, project_id, of_spans

    def of(self, node: Node) -> _Way | None:
        """The narrowest way to a superset of what the node finds; None when there is none but looking at all."""
        if isinstance(node, AllOf):
            found = [way for way in map(self.of, node.nodes) if way is not None]
            return min(found, key=lambda way: way.count, default=None)
        if isinstance(node, AnyOf):
            parts = [self.of(part) for part in node.nodes]
            return _union([part for part in parts if part is not None]) if all(parts) else None
        if isinstance(node, OneSpan):
            return _Ways(self._db, self._project, of_spans=True).of(node.node)
        if isinstance(node, Text):
            return self._text(Phrase.of(node.text))
        if isinstance(node, Condition) and node.op != "!=":
            return self._condition(node)
        return None

    def _condition(self, leaf: Condition) -> _Way | None:
        if leaf.field in _OF_TRACES and not (leaf.field == "name" and self._of_spans):
            return self._of_traces(leaf, compared(_OF_TRACES[leaf.field], leaf))
        if leaf.field == "error.type" and leaf.op != "~":
            sql, values = compared("error_type", leaf)
            return self._counted(f"SELECT trace_id FROM spans WHERE project_id=? AND {sql}", [self._project, *values])
        if leaf.field in ("score", "scored"):
            return self._score(leaf)
        if leaf.field in ("trace", "id") and not (leaf.field == "id" and self._of_spans):
            return self._id(leaf)
        if self._of_spans:
            return None
        if leaf.field == "tag":
            return self._side("trace_tags", compared("d.tag", leaf), leaf)
        if leaf.field in KEYED:
            sql, values = marked("d.value", leaf)
            return self._side("trace_meta", (f"d.key=? AND {sql}", [leaf.key or leaf.field, *values]), leaf)
        if leaf.field in _COVERED and leaf.op in (">", ">=", "<", "<=", "range", "="):
            column, unit = _COVERED[leaf.field]
            sql, values = compared(column, leaf)
            scaled = [round(float(value) * unit, 3) for value in values] if unit > 1 else values
            way = self._of_traces(leaf, (sql, scaled), FEW)
            return way if way is not None and way.count <= FEW else None
        return None

    def _of_traces(self, leaf: Condition, found: Sql, limit: int = SOME) -> _Way | None:
        if leaf.op in ("~", "exists") or any("*" in value for value in leaf.values if isinstance(value, str)):
            return None
        return self._counted(
            f"SELECT trace_id FROM traces WHERE project_id=? AND {found[0]}", [self._project, *found[1]], limit
        )

    def _side(self, table: str, found: Sql, leaf: Condition) -> _Way:
        holds, values = f"d.project_id=? AND {found[0]}", [self._project, *found[1]]
        way = self._counted(f"SELECT d.trace_id FROM {table} d WHERE {holds}", values)
        is_single = leaf.op == "=" and len(found[1]) == 1 + (table == "trace_meta") and " LIKE " not in found[0]
        return _Way(way.sql, way.values, way.count, (table, holds) if is_single else None)

    def _score(self, leaf: Condition) -> _Way:
        sql, values = scored(leaf)
        given = [self._project, leaf.key, *values]
        id, kind, spans = "c.target AS trace_id", "trace", ""
        if self._of_spans:
            id, kind, spans = "x.trace_id", "span", "CROSS JOIN spans x ON x.span_id=c.target "
        # by name: to leave out doubles the planner would walk all scores in order of their targets
        source = f"SELECT {id} FROM scores c INDEXED BY scores_value {spans}WHERE c.kind='{kind}'"
        return self._counted(f"{source} AND c.project_id=? AND c.name=? AND {sql}", given)

    def _id(self, leaf: Condition) -> _Way | None:
        try:
            ids = [id_bytes(str(value)) for value in leaf.values]
        except ValueError:
            return None
        sql = f"SELECT trace_id FROM traces WHERE trace_id IN ({', '.join('?' * len(ids))})"
        return _Way(sql, ids, len(ids)) if ids else None

    def _text(self, phrase: Phrase) -> _Way | None:
        if not phrase.words:
            return None
        count = "SELECT count(*) FROM (SELECT 1 FROM words w WHERE w.words MATCH ? LIMIT ?)"
        [hits] = self._db.execute(count, (phrase.match, 1 + (SOME if phrase.is_exact else PHRASES))).fetchone()
        if hits > PHRASES and not phrase.is_exact:
            return None
        checks = ("", "", []) if phrase.is_exact else (_IN_SPAN, _IN_ROOT, [phrase.needle])
        sql = _WORDS.format(in_span=checks[0], in_root=checks[1], waiting=WAITING)
        indexed, waiting = [phrase.match, self._project, *checks[2]], [self._project, phrase.needle]
        return _Way(sql, [*indexed, *indexed, *waiting, *waiting], hits)

    def _counted(self, sql: str, values: list[Any], limit: int = SOME) -> _Way:
        limited = f"SELECT count(*) FROM (SELECT 1 FROM ({sql}) LIMIT {limit + 1})"
        [count] = self._db.execute(limited, values).fetchone()
        return _Way(sql, values, count)


def _union(ways: list[_Way]) -> _Way:
    sql = " UNION ALL ".join(f"SELECT trace_id FROM ({way.sql})" for way in ways)
    return _Way(sql, [value for way in ways for value in way.values], sum(way.count for way in ways))
