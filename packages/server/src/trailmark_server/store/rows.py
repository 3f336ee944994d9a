"""Checked records → what the tables hold of them. Done by the thread that brings them, before the writer's turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from trailmark_server.store import media
from trailmark_server.store.codec import compressed, dumps, encoded, id_bytes, preview

__all__ = ["MAX_LEAVES", "MAX_VALUE", "Packed", "Root", "leaves", "pack_record", "pack_records"]

_BODY: Final = ("input", "output", "metadata", "usage_raw", "error", "total_cost")
_PAYLOADS: Final = ("input", "output")
MAX_LEAVES: Final = 64
MAX_VALUE: Final = 200


@dataclass(frozen=True, slots=True)
class Root:
    """What a record says of its trace as a whole."""

    row: tuple[Any, ...]  # of `roots`, without project and trace
    body: bytes
    media: dict[bytes, bytes]
    meta: list[tuple[str, str | float]]


@dataclass(frozen=True, slots=True)
class Packed:
    """A record, and for spans and traces its rows; the writer only adds the project."""

    record: dict[str, Any]
    trace_id: bytes = b""
    span_id: bytes | None = None
    row: tuple[Any, ...] = ()  # of `spans`, without project, trace and span
    body: bytes = b""
    media: dict[bytes, bytes] | None = None
    root: Root | None = None


def pack_records(records: Iterable[dict[str, Any] | Packed]) -> list[Packed]:
    """Each packed once."""
    return [record if isinstance(record, Packed) else pack_record(record) for record in records]


def pack_record(record: dict[str, Any]) -> Packed:
    """Spans and traces with their rows; other kinds as they are."""
    if record["k"] == "span":
        return _span(record)
    if record["k"] == "trace":
        return Packed(record, id_bytes(record["id"]), root=_root(record, record))
    return Packed(record)


def _span(record: dict[str, Any]) -> Packed:
    usage = record.get("usage")
    error = record.get("error") or {}
    body, found = _body(record)
    row = (
        id_bytes(record["parent_id"]) if record.get("parent_id") else None, record["name"], record["type"],
        record["status"], record["start_us"], record.get("end_us"), record.get("first_token_us"), record.get("model"),
        record.get("provider"), dumps(usage) if usage else None, _tokens(usage, "input"), _tokens(usage, "output"),
        (usage or {}).get("input_cached"), record.get("cost"),
        error.get("type"), _json_or_none(record.get("tags")), preview(record.get("input")),
        preview(record.get("output")), record["ver"],
    )  # fmt: skip
    root = _root(record, record["trace"] or {}) if "trace" in record else None
    return Packed(record, id_bytes(record["trace_id"]), id_bytes(record["id"]), row, body, found, root)


def _root(record: dict[str, Any], own: dict[str, Any]) -> Root:
    body, found = _body(own)
    is_trace = own is record
    metadata = own.get("metadata") if is_trace else {**_dict(record.get("metadata")), **_dict(own.get("metadata"))}
    row = (
        own.get("name") or record.get("name"), record["status"], record["start_us"], record.get("end_us"),
        own.get("thread_id"), own.get("user_id"), own.get("environment"), _json_or_none(own.get("tags")),
        preview(own.get("input")), preview(own.get("output")), record["ver"],
    )  # fmt: skip
    return Root(row, body, found, list(leaves(metadata)))


def _body(record: dict[str, Any]) -> tuple[bytes, dict[bytes, bytes]]:
    """The payload, packed, and the media that were taken out of it."""
    body = {key: record[key] for key in _BODY if key in record and (record[key] is not None or key in _PAYLOADS)}
    text = encoded(body)
    found: dict[bytes, bytes] = {}
    if media.may_hold(text):
        body = {key: media.taken_out(value, found) for key, value in body.items()}
        text = encoded(body) if found else text
    return compressed(text), found


def leaves(metadata: Any) -> Iterator[tuple[str, str | float]]:
    """Its scalars by dotted path, as the filter language compares them: bools are 0 and 1, texts are cut."""
    waiting = [("", metadata, 0)] if isinstance(metadata, dict) else []
    seen: set[tuple[str, str | float]] = set()
    while waiting and len(seen) < MAX_LEAVES:
        path, value, depth = waiting.pop(0)
        if isinstance(value, dict) and depth < 6:
            waiting += [(f"{path}.{key}" if path else str(key), part, depth + 1) for key, part in value.items()]
        elif isinstance(value, list) and depth < 6:
            waiting += [(path, part, depth + 1) for part in value if not isinstance(part, (dict, list))]
        elif isinstance(value, (str, bool, int, float)):
            leaf = (path, value[:MAX_VALUE] if isinstance(value, str) else float(value))
            if leaf not in seen:
                seen.add(leaf)
                yield leaf


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tokens(usage: dict[str, int] | None, prefix: str) -> int | None:
    return sum(n for part, n in usage.items() if part.startswith(prefix)) if usage else None


def _json_or_none(value: Any) -> str | None:
    return dumps(value) if value else None
