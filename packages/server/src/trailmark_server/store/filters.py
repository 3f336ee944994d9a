"""A query's tree as SQL over the list rows (`t`) or over spans (`s`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from trailmark_server.query import AllOf, AnyOf, Condition, Node, Not, OneSpan, Text
from trailmark_server.store.codec import id_bytes, unpack

__all__ = ["add_functions", "span_condition", "trace_condition"]

Sql = tuple[str, list[Any]]
_TRACE: Final = {
    "name": "t.name", "status": "t.status", "user": "t.user_id", "thread": "t.thread_id",
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
_TEXT: Final = "instr(lower(coalesce({0}.name,'')||' '||coalesce({0}.input_preview,'')||' '||coalesce({0}.output_preview,'')), lower(?))"  # noqa: E501
_SPAN_BODY: Final = "(SELECT stored(body, ?, ?) FROM payloads WHERE kind=0 AND seq=s.seq)"
_ROOT_BODY: Final = (
    "(SELECT stored(b.body, ?, ?) FROM roots r JOIN payloads b ON b.kind=1 AND b.seq=r.seq WHERE r.trace_id=t.trace_id)"
)


def add_functions(db: Any) -> None:
    """What the conditions call on a connection."""
    db.create_function("stored", 3, _stored, deterministic=True)


def trace_condition(node: Node) -> Sql:
    """For rows of `traces t`."""
    return _combined(node, _of_trace)


def span_condition(node: Node) -> Sql:
    """For rows of `spans s`."""
    return _combined(node, _of_span)


def _combined(node: Node, leaf: Callable[[Text | Condition | OneSpan], Sql]) -> Sql:
    if isinstance(node, Not):
        sql, values = _combined(node.node, leaf)
        return f"NOT {sql}", values
    if isinstance(node, (AllOf, AnyOf)):
        parts = [_combined(part, leaf) for part in node.nodes]
        joined = (" AND " if isinstance(node, AllOf) else " OR ").join(sql for sql, _ in parts)
        return f"({joined})" if parts else "1", [value for _, values in parts for value in values]
    sql, values = leaf(node)
    return f"coalesce({sql}, 0)", values


def _of_trace(leaf: Text | Condition | OneSpan) -> Sql:  # noqa: C901 - one field a line
    if isinstance(leaf, OneSpan):
        return _in_trace(span_condition(leaf.node))
    if isinstance(leaf, Text):
        in_span, values = _of_span(leaf)
        return f"({_TEXT.format('t')} OR {_IN_TRACE.format(in_span)})", [leaf.text, *values]
    if leaf.field in _TRACE:
        return _compared(_TRACE[leaf.field], leaf)
    if leaf.field == "model":
        return _any_of_list("t.models", leaf)
    if leaf.field == "tag":
        return _any_of_list("t.tags", leaf)
    if leaf.field in ("id", "trace"):
        return _id("t.trace_id", leaf)
    if leaf.field == "score":
        return _scored("(c.kind='trace' AND c.target=t.trace_id)", leaf)
    if leaf.field == "env":
        return _compared("(SELECT environment FROM roots r WHERE r.trace_id=t.trace_id)", leaf)
    if leaf.field == "has" and leaf.values == ("feedback",):
        return "t.scores <> '{}'", []
    if leaf.field == "has" and leaf.values == ("error",):
        return "t.error_count > 0", []
    if leaf.field in ("metadata", "attr", "version"):
        own, values = _compared(_ROOT_BODY, leaf)
        in_span, more = _of_span(leaf)
        key = ["metadata", leaf.key or leaf.field]
        return f"({own} OR {_IN_TRACE.format(in_span)})", [*key, *values, *more]
    return _in_trace(_of_span(leaf))


def _in_trace(found: Sql) -> Sql:
    return _IN_TRACE.format(found[0]), found[1]


def _of_span(leaf: Text | Condition | OneSpan) -> Sql:
    if isinstance(leaf, OneSpan):
        return span_condition(leaf.node)
    if isinstance(leaf, Text):
        error = "instr(lower(coalesce(s.error_type, '')), lower(?))"
        return f"({_TEXT.format('s')} OR {error})", [leaf.text, leaf.text]
    if leaf.field in _SPAN:
        return _compared(_SPAN[leaf.field], leaf)
    if leaf.field == "tag":
        return _any_of_list("coalesce(s.tags, '[]')", leaf)
    if leaf.field in ("id", "trace"):
        return _id("s.span_id" if leaf.field == "id" else "s.trace_id", leaf)
    if leaf.field == "score":
        return _scored("(c.kind='span' AND c.target=s.span_id)", leaf)
    if leaf.field in ("metadata", "attr", "version"):
        sql, values = _compared(_SPAN_BODY, leaf)
        return sql, ["metadata", leaf.key or leaf.field, *values]
    if leaf.field == "has":
        return _has(str(leaf.values[0]))
    inner, values = _of_trace(leaf)
    return f"EXISTS(SELECT 1 FROM traces t WHERE t.trace_id=s.trace_id AND {inner})", values  # noqa: S608 - ours, no text of the query


def _has(what: str) -> Sql:
    if what == "error":
        return "s.status = 'error'", []
    if what == "feedback":
        return "EXISTS(SELECT 1 FROM scores c WHERE c.kind='span' AND c.target=s.span_id)", []
    return f"{_SPAN_BODY} = 1", [f"has:{what}", ""]


def _compared(expression: str, leaf: Condition) -> Sql:
    if leaf.op == "exists":
        return f"{expression} IS NOT NULL", []
    if leaf.op == "range":
        return f"{expression} BETWEEN ? AND ?", list(leaf.values)
    if leaf.op == "in":
        parts = [_one(expression, "=", value) for value in leaf.values]
        marks = len(parts)
        values = [value for _, found in parts for value in found]
        if "?" not in expression:
            return "(" + " OR ".join(sql for sql, _ in parts) + ")", values
        return f"{expression} IN ({', '.join('?' * marks)})", list(leaf.values)
    return _one(expression, leaf.op, leaf.values[0])


def _one(expression: str, op: str, value: Any) -> Sql:
    if op == "~":
        return f"instr(lower({expression}), lower(?))", [_shown(value)]
    if op in ("=", "!=") and isinstance(value, str):
        pattern = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
        sql = f"{expression} LIKE ? ESCAPE '\\'"
        return (sql if op == "=" else f"NOT coalesce({sql}, 0)"), [pattern]
    return f"{expression} {'IS NOT' if op == '!=' else op} ?", [value]


def _shown(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _any_of_list(column: str, leaf: Condition) -> Sql:
    if leaf.op == "exists":
        return f"json_array_length({column}) > 0", []
    negated = leaf.op == "!="
    sql, values = _compared("value", Condition(leaf.field, "", "=", leaf.values) if negated else leaf)
    return f"{'NOT ' * negated}EXISTS(SELECT 1 FROM json_each({column}) WHERE {sql})", values  # noqa: S608 - ours, no text of the query


def _id(column: str, leaf: Condition) -> Sql:
    try:
        ids = [id_bytes(str(value)) for value in leaf.values]
    except ValueError:
        return "0", []
    return f"{column} IN ({', '.join('?' * len(ids))})", ids


def _scored(target: str, leaf: Condition) -> Sql:
    exists = "EXISTS(SELECT 1 FROM scores c WHERE c.name=? AND {} AND {})"
    if leaf.op == "exists":
        return exists.format(target, "1"), [leaf.key]
    column = "c.label" if any(isinstance(value, str) for value in leaf.values) else "c.value"
    sql, values = _compared(column, leaf)
    return exists.format(target, sql), [leaf.key, *values]


def _stored(body: bytes | None, part: str, key: str) -> Any:
    """SQL function: the value of `metadata.a.b` in a packed payload, a bool as 0 or 1, a list or object as its repr."""
    if body is None:
        return None
    found = unpack(body)
    if part.startswith("has:"):
        kind = part[4:]
        return int(f"data:{kind}/" in str(found) or f"{kind}_url" in str(found) or f"input_{kind}" in str(found))
    metadata = found.get(part)
    value = metadata.get(key) if isinstance(metadata, dict) else None
    if value is None:
        value = metadata
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return int(value)
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
