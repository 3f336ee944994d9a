"""Traces and spans as flat rows, written as CSV or Parquet."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any, Final

from trailmark_server.store import Reader, StoreError

__all__ = ["SPAN_COLUMNS", "TRACE_COLUMNS", "span_row", "trace_row", "write_csv", "write_parquet"]

_SHARED: Final = {
    "project": "text", "name": "text", "status": "text", "start": "moment", "end": "moment", "duration_ms": "number",
    "cost_usd": "number", "tags": "text", "scores": "text", "input": "text", "output": "text", "metadata": "text",
    "error": "text",
}  # fmt: skip
TRACE_COLUMNS: Final = {
    "id": "text", **_SHARED, "spans": "count", "input_tokens": "count", "output_tokens": "count", "user": "text",
    "thread": "text", "environment": "text",
}  # fmt: skip
SPAN_COLUMNS: Final = {
    "id": "text", "trace_id": "text", "parent_id": "text", **_SHARED, "type": "text", "model": "text",
    "provider": "text", "usage": "text",
}  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ROWS: Final = 1000  # of a row group


def trace_row(found: Reader, id: str) -> dict[str, Any]:
    """By the names of TRACE_COLUMNS. Nested values are JSON."""
    trace = found.trace(id)["trace"]
    same = {key: trace[key] for key in ("id", "spans", "user", "thread", "environment")}
    return {**same, **_shared(trace), "input_tokens": trace["tin"], "output_tokens": trace["tout"]}


def span_row(found: Reader, trace_id: str, id: str) -> dict[str, Any]:
    """By the names of SPAN_COLUMNS. Nested values are JSON."""
    span = found.span(trace_id, id)
    same = {key: span[key] for key in ("id", "trace_id", "parent_id", "type", "model", "provider")}
    return {**same, **_shared(span), "usage": _json(span["usage"])}


def write_csv(file: IO[str], rows: Iterable[dict[str, Any]], columns: dict[str, str], *, guard: bool) -> None:
    """`guard`: texts a spreadsheet would run as a formula get an apostrophe before them."""
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in rows:
        cells = (row[name] for name in columns)
        writer.writerow([_guarded(cell) if guard and isinstance(cell, str) else cell for cell in cells])


def write_parquet(file: IO[bytes], rows: Iterable[dict[str, Any]], columns: dict[str, str]) -> None:
    """Raises StoreError when pyarrow is not installed."""
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise StoreError("Parquet needs pyarrow: pip install 'trailmark-server[parquet]'; or --format csv") from None
    types = {
        "text": arrow.string(), "count": arrow.int64(), "number": arrow.float64(),
        "moment": arrow.timestamp("us", tz="UTC"),
    }  # fmt: skip
    schema = arrow.schema([(name, types[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(file, schema) as writer:
        left = iter(rows)
        while some := list(islice(left, _ROWS)):
            moments = [name for name, kind in columns.items() if kind == "moment"]
            table = [{**row, **{name: _moment(row[name]) for name in moments}} for row in some]
            writer.write_table(arrow.Table.from_pylist(table, schema=schema))


def _shared(item: dict[str, Any]) -> dict[str, Any]:
    scores = {score["name"]: score["label"] if score["value"] is None else score["value"] for score in item["scores"]}
    return {
        "project": item["project"], "name": item["name"], "status": item["status"],
        "start": _text(item["start_us"]), "end": _text(item["end_us"]),
        "duration_ms": item["dur_us"] / 1000 if item["dur_us"] >= 0 else None, "cost_usd": item["cost"],
        "tags": _json(item["tags"] or None), "scores": _json(scores or None),
        **{name: _json(item[name]) for name in ("input", "output", "metadata", "error")},
    }  # fmt: skip


def _json(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(us: int | None) -> str | None:
    return None if us is None else datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="microseconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _guarded(text: str) -> str:
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text
