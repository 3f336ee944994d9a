"""Opik's REST bodies → native records."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

__all__ = ["changes_of", "score_record", "span_record", "trace_record", "us"]


def us(text: Any) -> int | None:
    """Microseconds of an ISO time; ValueError for anything else."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no ISO 8601 time")
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return int(found.timestamp() * 1_000_000)


def trace_record(item: dict[str, Any]) -> dict[str, Any]:
    """A Trace_Write object. ValueError names the field."""
    return {"k": "trace", **_shared(item), **{key: item.get(key) for key in ("thread_id", "environment")}}


def span_record(item: dict[str, Any]) -> dict[str, Any]:
    """A Span_Write object. ValueError names the field."""
    record = {"k": "span", **_shared(item), "trace_id": item.get("trace_id"), "parent_id": item.get("parent_span_id")}
    record["type"] = item.get("type") or "general"
    for ours, theirs in (("model", "model"), ("provider", "provider"), ("total_cost", "total_estimated_cost")):
        if item.get(theirs) is not None:
            record[ours] = item[theirs]
    if item.get("usage"):
        record["usage"], record["usage_raw"] = usage_parts(item["usage"]), item["usage"]
    return record


def changes_of(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """The fields a PATCH sets."""
    names = {"name": "name", "input": "input", "output": "output", "metadata": "metadata", "tags": "tags",
             "thread_id": "thread_id", "environment": "environment", "project_name": "project"}  # fmt: skip
    if kind == "span":
        names |= {"trace_id": "trace_id", "parent_span_id": "parent_id", "type": "type", "model": "model",
                  "provider": "provider", "total_estimated_cost": "cost"}  # fmt: skip
    changes = {ours: body[theirs] for theirs, ours in names.items() if body.get(theirs) is not None}
    if body.get("end_time") is not None:
        changes["end_us"] = us(body["end_time"])
    if body.get("error_info"):
        changes |= {"error": _error(body["error_info"]), "status": "error"}
    if kind == "span" and body.get("usage"):
        changes |= {"usage": usage_parts(body["usage"]), "usage_raw": body["usage"]}
    return changes


def score_record(item: dict[str, Any], target: str) -> dict[str, Any]:
    """An entry of a feedback-scores body; `target` is trace_id, span_id or thread_id."""
    now = time.time_ns() // 1000
    return {
        "k": "score", "ver": now, "ts_us": now, "project": item.get("project_name") or "Default Project",
        target: item.get("thread_id" if target == "thread_id" else "id"), "name": item.get("name"),
        "value": item.get("value"), "label": item.get("category_name"), "reason": item.get("reason"),
        "source": item.get("source") or "sdk", "author": item.get("author") or "",
    }  # fmt: skip


def usage_parts(usage: dict[str, Any]) -> dict[str, int]:
    """Opik's flat map, whose totals overlap, as parts that add up."""

    def count(*names: str) -> int:
        return next((n for n in (usage.get(name) for name in names) if isinstance(n, int) and n > 0), 0)

    raw = "original_usage."
    parts = {
        "input_cached": count(f"{raw}prompt_tokens_details.cached_tokens", f"{raw}input_tokens_details.cached_tokens"),
        "output_reasoning": count(
            f"{raw}completion_tokens_details.reasoning_tokens", f"{raw}output_tokens_details.reasoning_tokens"
        ),
    }
    parts["input"] = max(0, count("prompt_tokens") - parts["input_cached"])
    parts["output"] = max(0, count("completion_tokens") - parts["output_reasoning"])
    return {part: n for part, n in parts.items() if n}


def _shared(item: dict[str, Any]) -> dict[str, Any]:
    times = {}
    for theirs, ours in (("start_time", "start_us"), ("end_time", "end_us"), ("last_updated_at", "ver")):
        try:
            times[ours] = us(item.get(theirs))
        except ValueError as error:
            raise ValueError(f"{theirs}: {error}") from None
    if times["start_us"] is None:
        raise ValueError("start_time: it is required")
    failure = item.get("error_info")
    ended = times["end_us"] is not None
    record: dict[str, Any] = {
        "id": item.get("id"), "project": item.get("project_name") or "Default Project", "name": item.get("name") or "",
        "start_us": times["start_us"], "end_us": times["end_us"],
        "ver": times["ver"] or times["end_us"] or times["start_us"],
        "status": "error" if failure else "ok" if ended else "running", "tags": item.get("tags"),
        "error": _error(failure) if failure else None, "metadata": item.get("metadata"),
    }  # fmt: skip
    return record | {key: item[key] for key in ("input", "output") if item.get(key) is not None}


def _error(info: Any) -> dict[str, Any]:
    told = info if isinstance(info, dict) else {"message": str(info)}
    return {
        "type": told.get("exception_type") or "Error",
        "message": told.get("message"),
        "traceback": told.get("traceback"),
    }
