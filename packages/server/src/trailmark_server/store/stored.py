"""Stored spans and traces as the records they came from."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from trailmark_server.store.codec import id_text, loads, unpack

__all__ = ["stored_record"]

_SHARED: Final = ("project", "name", "status", "start_us", "end_us", "ver")


def stored_record(
    db: sqlite3.Connection, kind: str, key: bytes, trace_id: bytes | None = None
) -> dict[str, Any] | None:
    """By the id of the span or trace; media stay references. A trace whose root is a span says so in `root_span`."""
    table, column, payload = ("spans", "span_id", 0) if kind == "span" else ("roots", "trace_id", 1)
    inside, values = (" AND t.trace_id=?", (trace_id,)) if trace_id is not None else ("", ())
    cursor = db.execute(
        f"SELECT t.*, p.name AS project, b.body FROM {table} t JOIN projects p ON p.id=t.project_id "
        f"LEFT JOIN payloads b ON b.kind=? AND b.seq=t.seq WHERE t.{column}=?{inside}",
        (payload, key, *values),
    )
    found = cursor.fetchone()
    if found is None:
        return None
    names = [column[0] for column in cursor.description]
    row = {name: value for name, value in zip(names, found, strict=True) if value is not None}
    body = unpack(row["body"]) if "body" in row else {}
    return _span(row, body) if kind == "span" else _trace(row, body)


def _trace(row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {key: row[key] for key in ("thread_id", "user_id", "environment") if key in row}
    tags = {"tags": loads(row["tags"])} if "tags" in row else {}
    root = {"root_span": id_text(row["span_id"])} if "span_id" in row else {}
    return {"k": "trace", "id": id_text(row["trace_id"]), **_shared(row), **own, **tags, **root, **body}


def _span(row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    record = {
        "k": "span", "id": id_text(row["span_id"]), "trace_id": id_text(row["trace_id"]), **_shared(row),
        "type": row["type"], "parent_id": id_text(row["parent_id"]) if "parent_id" in row else None, **body,
    }  # fmt: skip
    for key in ("first_token_us", "model", "provider", "cost"):
        if key in row:
            record[key] = row[key]
    for key in ("usage", "tags"):
        if key in row:
            record[key] = loads(row[key])
    return record


def _shared(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row.get(key) for key in _SHARED}
