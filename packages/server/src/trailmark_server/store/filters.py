"""A query's tree as SQL over the list rows (`t`) or over spans (`s`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from trailmark_server.query import AllOf, AnyOf, Condition, Node, Not, OneSpan, Text
from trailmark_server.store.codec import dumps, id_bytes, unpack
from trailmark_server.store.rows import MAX_VALUE, leaves
from trailmark_server.store.text import Phrase, said
from trailmark_server.store.windows import Windows

__all__ = ["KEYED", "Sql", "add_functions", "compared", "marked", "scored", "span_condition", "trace_condition"]

Sql = tuple[str, list[Any]]
KEYED: Final = ("metadata", "attr", "version")
_TRACE: Final = {
    "name": "t.name", "status": "t.status", "user": "t.user_id", "thread": "t.thread_id COLLATE BINARY",
    "duration": "(t.end_us - t.start_us) / 1e6", "tokens": "t.tin + t.tout", "tokens.in": "t.tin",
    "tokens.out": "t.tout", "cost": "t.cost", "spans": "t.span_count", "error": "t.error_count",
    "start": "t.start_us / 1e6",
}  # fmt: skip
_SPAN: Final = {
    "name": "s.name", "status": "s.status", "kind": "s.type", "model": "s.model", "provider": "s.provider",
    "error.type": "s.error_type", "duration": "(s.end_us - s.start_us) / 1e6",
    "ttft": "(s.first_token_us - s.start_us) / 1e6",
    "tokens": "coalesce(s.tin, 0) + coalesce(s.tout, 0)", "tokens.in": "s.tin",
    "tokens.out": "s.tout", "cost": "s.cost",
    "start": "s.start_us / 1e6", "error": "(s.status = 'error')",
}  # fmt: skip
_IN_TRACE: Final = "EXISTS(SELECT 1 FROM spans s WHERE s.trace_id=t.trace_id AND {})"
_SPAN_SAID: Final = "said(s.name, (SELECT body FROM payloads WHERE kind=0 AND seq=s.seq), ?)"
_ROOT_SAID: Final = "said(r.name, (SELECT body FROM payloads WHERE kind=1 AND seq=r.seq), ?)"
_WORD: Final = "coalesce(nullif(held({id}, ?), 2), {said})"  # the text index alone can tell
_PHRASE: Final = "(held({id}, ?) AND {said})"
_IN_ROOT: Final = "EXISTS(SELECT 1 FROM roots r WHERE r.trace_id=t.trace_id AND {})"
_TAGGED: Final = "EXISTS(SELECT 1 FROM trace_tags g WHERE g.trace_id=t.trace_id AND {})"
_MARKED: Final = "EXISTS(SELECT 1 FROM trace_meta m WHERE m.trace_id=t.trace_id AND m.key=? AND {})"
_SPAN_TAGGED: Final = "EXISTS(SELECT 1 FROM json_each(coalesce(s.tags, '[]')) g WHERE {})"
_SPAN_MARKED: Final = (
    "EXISTS(SELECT 1 FROM json_each(values_of((SELECT body FROM payloads WHERE kind=0 AND seq=s.seq), ?)) m WHERE {})"
)
_MODELS: Final = "EXISTS(SELECT 1 FROM json_each(t.models) g WHERE {})"


def add_functions(db: sqlite3.Connection) -> Windows:
    """What the conditions call on a connection, and what is to be forgotten with each view of the store."""
    windows = Windows(db)
    db.create_function("held", 2, windows.held)
    for name, count, function in (("stored", 3, _stored), ("said", 3, said), ("values_of", 2, _values_of)):
        db.create_function(name, count, function, deterministic=True)
    return windows


def trace_condition(node: Node) -> Sql:
    """For rows of `traces t`."""
    return _combined(node, _of_trace)


def span_condition(node: Node) -> Sql:
    """For rows of `spans s`."""
    return _combined(node, _of_span)


def compared(expression: str, leaf: Condition) -> Sql:
    """One value with those of a condition; NULL compares as false."""
    if leaf.op == "exists":
        return f"{expression} IS NOT NULL", []
    if leaf.op == "range":
        return f"{expression} BETWEEN ? AND ?", list(leaf.values)
    parts = [_one(expression, "=" if leaf.op in ("in", "!=") else leaf.op, value) for value in leaf.values]
    joined = " OR ".join(sql for sql, _ in parts)
    return (f"({joined})" if len(parts) > 1 else joined), [value for _, found in parts for value in found]


def marked(expression: str, leaf: Condition) -> Sql:
    """As `compared`, for a number or text of metadata: a number equals its text too, `<` compares like with like."""
    if leaf.op == "exists":
        return "1", []
    values = [value[:MAX_VALUE] if isinstance(value, str) else value for value in leaf.values]
    if leaf.op in ("=", "!=", "in"):
        values += [_shown(value) for value in leaf.values if isinstance(value, float)]
        return compared(expression, Condition(leaf.field, "", "in", tuple(values)))
    sql, given = compared(expression, Condition(leaf.field, "", leaf.op, tuple(values)))
    if leaf.op == "~":
        return sql, given
    kinds = "'text'" if isinstance(values[0], str) else "'integer', 'real'"
    return f"({sql} AND typeof({expression}) IN ({kinds}))", given


def scored(leaf: Condition) -> Sql:
    """For a row of `scores c` of that name."""
    if leaf.field == "scored":
        sql, values = compared("c.author", leaf) if leaf.op != "exists" else ("1", [])
        return f"(c.source='ui' AND {sql})", values
    if leaf.op == "exists":
        return "1", []
    return compared("c.label" if any(isinstance(value, str) for value in leaf.values) else "c.value", leaf)


def _combined(node: Node, leaf: Callable[[Text | Condition | OneSpan], Sql]) -> Sql:
    if isinstance(node, Not):
        sql, values = _combined(node.node, leaf)
        return f"NOT {sql}", values
    if isinstance(node, (AllOf, AnyOf)):
        parts = [_combined(part, leaf) for part in node.nodes]
        joined = (" AND " if isinstance(node, AllOf) else " OR ").join(sql for sql, _ in parts)
        return f"({joined})" if parts else "1", [value for _, values in parts for value in values]
    sql, values = leaf(node)
    negated = isinstance(node, Condition) and node.op == "!="
    return f"{'NOT ' * negated}coalesce({sql}, 0)", values


def _of_trace(leaf: Text | Condition | OneSpan) -> Sql:  # noqa: C901 - one field a line
    if isinstance(leaf, OneSpan):
        return _in_trace(span_condition(leaf.node))
    if isinstance(leaf, Text):
        root, values = _said(leaf, "2*r.seq + 1", _ROOT_SAID)
        span, same = _said(leaf, "2*s.seq", _SPAN_SAID)
        return f"({_IN_ROOT.format(root)} OR {_IN_TRACE.format(span)})", [*values, *same]
    if leaf.field in _TRACE:
        return compared(_TRACE[leaf.field], leaf)
    if leaf.field == "model":
        return _some(_MODELS, compared("g.value", leaf))
    if leaf.field == "tag":
        return _some(_TAGGED, compared("g.tag", leaf))
    if leaf.field in KEYED:
        return _some(_MARKED, marked("m.value", leaf), leaf.key or leaf.field)
    if leaf.field in ("id", "trace"):
        return _id("t.trace_id", leaf)
    if leaf.field in ("score", "scored"):
        return _scored("c.kind='trace' AND c.target=t.trace_id", leaf)
    if leaf.field == "env":
        return compared("(SELECT environment FROM roots r WHERE r.trace_id=t.trace_id)", leaf)
    if leaf.field == "has" and leaf.values == ("feedback",):
        return "t.scores <> '{}'", []
    if leaf.field == "has" and leaf.values == ("error",):
        return "t.error_count > 0", []
    return _in_trace(_of_span(leaf))


def _of_span(leaf: Text | Condition | OneSpan) -> Sql:
    if isinstance(leaf, OneSpan):
        return span_condition(leaf.node)
    if isinstance(leaf, Text):
        return _said(leaf, "2*s.seq", _SPAN_SAID)
    if leaf.field in _SPAN:
        return compared(_SPAN[leaf.field], leaf)
    if leaf.field == "tag":
        return _some(_SPAN_TAGGED, compared("g.value", leaf))
    if leaf.field in KEYED:
        return _some(_SPAN_MARKED, marked("m.value", leaf), leaf.key or leaf.field)
    if leaf.field in ("id", "trace"):
        return _id("s.span_id" if leaf.field == "id" else "s.trace_id", leaf)
    if leaf.field in ("score", "scored"):
        return _scored("c.kind='span' AND c.target=s.span_id", leaf)
    if leaf.field == "has":
        return _has(str(leaf.values[0]) if leaf.values else "error")
    inner, values = _of_trace(leaf)
    return f"EXISTS(SELECT 1 FROM traces t WHERE t.trace_id=s.trace_id AND {inner})", values


def _said(leaf: Text, id: str, said: str) -> Sql:
    phrase = Phrase.of(leaf.text)
    if not phrase.words:
        return "0", []
    return (_WORD if phrase.is_exact else _PHRASE).format(id=id, said=said), [phrase.match, phrase.needle]


def _in_trace(found: Sql) -> Sql:
    return _IN_TRACE.format(found[0]), found[1]


def _some(exists: str, found: Sql, *given: Any) -> Sql:
    return exists.format(found[0]), [*given, *found[1]]


def _has(what: str) -> Sql:
    if what == "error":
        return "s.status = 'error'", []
    if what == "feedback":
        return "EXISTS(SELECT 1 FROM scores c WHERE c.kind='span' AND c.target=s.span_id)", []
    return "stored((SELECT body FROM payloads WHERE kind=0 AND seq=s.seq), ?, '') = 1", [f"has:{what}"]


def _one(expression: str, op: str, value: Any) -> Sql:
    if op == "~":
        return f"instr(lower({expression}), lower(?)) > 0", [_shown(value)]
    if op == "=" and isinstance(value, str):
        if "*" not in value:
            return f"{expression} = ? COLLATE NOCASE", [value]
        pattern = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
        return f"{expression} LIKE ? ESCAPE '\\'", [pattern]
    return f"{expression} {op} ?", [value]


def _shown(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _id(column: str, leaf: Condition) -> Sql:
    try:
        ids = [id_bytes(str(value)) for value in leaf.values]
    except ValueError:
        return "0", []
    return f"{column} IN ({', '.join('?' * len(ids))})" if ids else "1", ids


def _scored(target: str, leaf: Condition) -> Sql:
    sql, values = scored(leaf)
    return f"EXISTS(SELECT 1 FROM scores c WHERE c.name=? AND {target} AND {sql})", [leaf.key, *values]


def _values_of(body: bytes | None, key: str) -> str:
    """SQL function: the values of a dotted path in a payload's metadata, as the side table holds them."""
    metadata = unpack(body).get("metadata") if body is not None else None
    return dumps([value for path, value in leaves(metadata) if path == key])


def _stored(body: bytes | None, part: str, key: str) -> Any:
    """SQL function: the value of `metadata.a.b` in a packed payload, a bool as 0 or 1, a list or object as its repr."""
    if body is None:
        return None
    found = unpack(body)
    if part.startswith("has:"):
        kind, text = part[4:], str(found)
        return int(any(mark in text for mark in (f":{kind}/", f"{kind}_url", f"input_{kind}")))
    metadata = found.get(part)
    value = metadata.get(key) if isinstance(metadata, dict) else None
    if value is None:
        value = metadata
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return int(value)
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
