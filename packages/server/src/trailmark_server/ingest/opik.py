"""Opik's REST bodies → native records."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import orjson

from trailmark_server.ingest.records import MAX_US
from trailmark_server.ingest.usage import count, partition
from trailmark_server.store import clean

__all__ = [
    "GUARDRAIL",
    "changes_of",
    "edited_us",
    "guardrail_record",
    "named",
    "score_record",
    "span_record",
    "trace_record",
    "us",
]

GUARDRAIL: Final = "guardrail"  # the source of a score that a guardrail gave
_PATCHED: Final = ("name", "input", "output", "metadata", "tags", "thread_id", "environment")
_PATCHED_SPAN: Final = ("type", "model", "provider")
_NAMES: Final = {
    "ver": "last_updated_at", "start_us": "start_time", "end_us": "end_time", "parent_id": "parent_span_id",
    "total_cost": "total_estimated_cost", "project": "project_name", "error": "error_info", "label": "category_name",
}  # fmt: skip
_TYPE: Final = "trailmark_type"  # where trailmark's own exporter keeps a type that Opik does not know
_SECOND_US: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def us(text: Any) -> int | None:
    """Microseconds of an ISO time; ValueError for anything else."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError(f"it is {text!r:.80}; allowed: an ISO 8601 time")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"it is {text!r:.80}; allowed: an ISO 8601 time") from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r:.80} has no time zone")
    try:
        micros = (found - _EPOCH) // timedelta(microseconds=1)
    except OverflowError:
        micros = -1
    if not 0 <= micros < MAX_US:
        raise ValueError(f"it is {text!r:.80}; allowed: from 1970 to 9999")
    return micros


def trace_record(item: dict[str, Any]) -> dict[str, Any]:
    """A Trace_Write object. ValueError names the field."""
    return {"k": "trace", **_shared(item), **{key: item.get(key) for key in ("thread_id", "environment")}}


def span_record(item: dict[str, Any]) -> dict[str, Any]:
    """A Span_Write object. ValueError names the field."""
    record = {"k": "span", **_shared(item), "trace_id": item.get("trace_id"), "parent_id": item.get("parent_span_id")}
    record["type"] = item.get("type") or "general"
    if record["type"] == "general" and isinstance(metadata := item.get("metadata"), dict) and _TYPE in metadata:
        record["metadata"] = {key: value for key, value in metadata.items() if key != _TYPE} or None
        record["type"] = metadata[_TYPE]
    for ours, theirs in (("model", "model"), ("provider", "provider"), ("total_cost", "total_estimated_cost")):
        if item.get(theirs) is not None:
            record[ours] = item[theirs]
    if isinstance(usage := item.get("usage"), dict):
        record |= {"usage": usage_parts(usage), "usage_raw": usage}
    elif usage is not None:
        raise ValueError(f"usage: it is {type(usage).__name__}; allowed: an object of token counts")
    return record


def changes_of(kind: str, id: str, body: dict[str, Any]) -> dict[str, Any]:
    """A PATCH as a `patch` record, whose changes are to replace; `place` is where its target belongs."""
    names = [*_PATCHED, *(_PATCHED_SPAN if kind == "span" else ())]
    changes = {key: body[key] for key in names if body.get(key) is not None}
    if (cost := body.get("total_estimated_cost")) is not None and kind == "span":
        changes["total_cost"] = cost
    if body.get("end_time") is not None:
        changes["end_us"] = _time(body, "end_time")
    if body.get("error_info"):
        changes |= {"error": _error(body["error_info"]), "status": "error"}
    if kind == "span" and isinstance(body.get("usage"), dict):
        changes |= {"usage": usage_parts(body["usage"]), "usage_raw": body["usage"]}
    now = time.time_ns() // 1000
    project = body.get("project_name") or "Default Project"
    return {"k": "patch", "id": str(uuid4()), "ver": now, "project": project, "changes": changes, f"{kind}_id": id}


def edited_us(id: str, changes: dict[str, Any]) -> int:
    """As of when a PATCH counts, which does not say so itself.

    Now, but after what it edits: by its end, and by the time in its id. The client's clock may be ahead of ours, and
    the record it edits is often sent after it.
    """
    uuid = UUID(id)
    made = (uuid.int >> 80) * 1000 if uuid.version == 7 else 0
    return max(time.time_ns() // 1000, (changes.get("end_us") or 0) + 1, min(made + _SECOND_US, MAX_US - 1))


def named(field: str) -> str:
    """Our field's name as Opik's body has it."""
    first, dot, rest = field.removeprefix("changes.").partition(".")
    return _NAMES.get(first, first) + dot + rest


def score_record(item: dict[str, Any], target: str) -> dict[str, Any]:
    """An entry of a feedback-scores body; `target` is trace_id, span_id or thread_id."""
    now = time.time_ns() // 1000
    return {
        "k": "score", "ver": now, "ts_us": now, "project": item.get("project_name") or "Default Project",
        target: item.get("thread_id" if target == "thread_id" else "id"), "name": item.get("name"),
        "value": item.get("value"), "label": item.get("category_name"), "reason": item.get("reason"),
        "source": item.get("source") or "sdk", "author": item.get("author") or "",
    }  # fmt: skip


def guardrail_record(item: dict[str, Any]) -> dict[str, Any]:
    """A Guardrail_Write object: a score of the span that checked, 1 where it passed. ValueError names the field."""
    name, result = item.get("name"), item.get("result")
    if not isinstance(name, str) or not name:
        raise ValueError(f"name: it is {name!r:.80}; allowed: a text")
    if result not in ("passed", "failed"):
        raise ValueError(f"result: it is {result!r:.80}; allowed: passed, failed")
    score = score_record(item, "span_id")
    score |= {"span_id": item.get("secondary_id"), "name": f"guardrail.{name.lower()}", "source": GUARDRAIL}
    told = {key: item[key] for key in ("config", "details") if item.get(key)}
    return score | {
        "value": result == "passed",
        "label": result,
        "reason": orjson.dumps(clean(told)).decode() if told else None,
    }


def usage_parts(usage: dict[str, Any]) -> dict[str, int]:
    """Opik's flat map, whose totals overlap, as parts that add up."""

    def first(*names: str) -> Any:
        return next((n for name in names if (n := count(usage.get(f"original_usage.{name}")))), 0)

    return partition(
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        inner_input={
            "input_cached": first(
                "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens", "cache_read_input_tokens",
                "cached_content_token_count", "cacheReadInputTokens",
            ),
            "input_cache_write": first(
                "cache_creation_input_tokens", "cacheWriteInputTokens", "prompt_tokens_details.cache_write_tokens"
            ),
            "input_audio": first("prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"),
        },
        inner_output={
            "output_reasoning": first(
                "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
                "thoughts_token_count",
            ),
            "output_audio": first("completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"),
        },
    )  # fmt: skip


def _shared(item: dict[str, Any]) -> dict[str, Any]:
    start, end, updated = (_time(item, name) for name in ("start_time", "end_time", "last_updated_at"))
    if start is None:
        raise ValueError("start_time: it is required")
    failure = item.get("error_info")
    record: dict[str, Any] = {
        "id": item.get("id"), "project": item.get("project_name") or "Default Project", "name": item.get("name") or "",
        "start_us": start, "end_us": end, "ver": updated or end or start,
        "status": "error" if failure else "running" if end is None else "ok", "tags": item.get("tags"),
        "error": _error(failure) if failure else None, "metadata": item.get("metadata"),
    }  # fmt: skip
    return record | {key: item[key] for key in ("input", "output") if item.get(key) is not None}


def _time(item: dict[str, Any], name: str) -> int | None:
    try:
        return us(item.get(name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _error(info: Any) -> dict[str, Any]:
    told = info if isinstance(info, dict) else {"message": str(info)}
    return {
        "type": told.get("exception_type") or "Error",
        "message": told.get("message"),
        "traceback": told.get("traceback"),
    }
