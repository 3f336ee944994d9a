"""Stored traces and spans in the shape Opik's SDK reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from trailmark_server.store import NotFoundError, Reader

__all__ = ["span_view", "trace_view"]


def trace_view(reader: Reader, id: str) -> dict[str, Any]:
    """TracePublic, as far as we know it."""
    trace = reader.trace(id)["trace"]
    return {
        "id": id, "project_id": trace["project"], "name": trace["name"], "start_time": _time(trace["start_us"]),
        "end_time": _time(trace["end_us"]), "input": trace["input"], "output": trace["output"],
        "metadata": trace["metadata"], "tags": trace["tags"], "error_info": _error(trace["error"]),
        "thread_id": trace["thread"], "environment": trace["environment"], "feedback_scores": _scores(trace["scores"]),
        "total_estimated_cost": trace["cost"], "span_count": trace["spans"],
        "usage": _usage(trace["tin"], trace["tout"]),
    }  # fmt: skip


def span_view(reader: Reader, id: str, trace_id: str | None = None) -> dict[str, Any]:
    """SpanPublic, as far as we know it."""
    trace_id = trace_id or reader.spans_of(id)
    if trace_id is None:
        raise NotFoundError(f"no span {id}")
    span = reader.span(trace_id, id)
    raw = span["usage_raw"] if isinstance(span["usage_raw"], dict) and "total_tokens" in span["usage_raw"] else None
    parts = span["usage"] or {}
    tokens = [sum(n for part, n in parts.items() if part.startswith(side)) for side in ("input", "output")]
    return {
        "id": id, "trace_id": trace_id, "parent_span_id": span["parent_id"], "name": span["name"], "type": span["type"],
        "start_time": _time(span["start_us"]), "end_time": _time(span["end_us"]), "input": span["input"],
        "output": span["output"], "metadata": span["metadata"], "tags": span["tags"], "model": span["model"],
        "provider": span["provider"], "usage": raw or (_usage(*tokens) if parts else None),
        "error_info": _error(span["error"]), "total_estimated_cost": span["cost"],
        "feedback_scores": _scores(span["scores"]),
    }  # fmt: skip


def _usage(tin: int, tout: int) -> dict[str, int]:
    return {"prompt_tokens": tin, "completion_tokens": tout, "total_tokens": tin + tout}


def _time(us: int | None) -> str | None:
    if us is None:
        return None
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "exception_type": error["type"],
        "message": error.get("message"),
        "traceback": error.get("traceback") or "-",
    }


def _scores(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": score["name"], "value": 1.0 if score["value"] is None else float(score["value"]),
            "category_name": score["label"], "reason": score["reason"], "source": score["source"],
        }
        for score in scores
    ]  # fmt: skip
