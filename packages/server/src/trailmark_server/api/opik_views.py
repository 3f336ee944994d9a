"""Stored traces and spans in the shape Opik's SDK reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from trailmark_server.ingest.opik import GUARDRAIL
from trailmark_server.store import NotFoundError, Reader

__all__ = ["comment_view", "span_view", "thread_model_id", "thread_view", "trace_row_view", "trace_view"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def trace_view(reader: Reader, id: str) -> dict[str, Any]:
    """TracePublic, as far as we know it."""
    found = reader.trace(id)
    trace, columns = found["trace"], found["cols"]
    return {
        **_times(trace["start_us"], trace["end_us"]), "llm_span_count": columns["type"].count("llm"),
        "has_tool_spans": "tool" in columns["type"],
        "id": id, "project_id": trace["project"], "name": trace["name"], "input": trace["input"],
        "output": trace["output"],
        "metadata": trace["metadata"], "tags": trace["tags"], "error_info": _error(trace["error"]),
        "thread_id": trace["thread"], "environment": trace["environment"], "feedback_scores": _scores(trace["scores"]),
        "total_estimated_cost": trace["cost"], "span_count": trace["spans"],
        "usage": _usage(trace["tin"], trace["tout"]), "comments": _comments(reader, "trace", id),
        "guardrails_validations": _guarded(reader.scores("trace", id)),
    }  # fmt: skip


def trace_row_view(row: dict[str, Any]) -> dict[str, Any]:
    """What a list knows of a trace, for filters that do not look into payloads."""
    end = None if row["dur_us"] < 0 else row["start_us"] + row["dur_us"]
    scores = [{"name": name, "value": _value(score["value"])} for name, score in row["scores"].items()]
    return {
        "id": row["id"], "name": row["name"], **_times(row["start_us"], end), "thread_id": row["thread"],
        "tags": row["tags"], "total_estimated_cost": row["cost"], "span_count": row["spans"],
        "usage": _usage(row["tin"], row["tout"]), "feedback_scores": scores,
    }  # fmt: skip


def thread_view(reader: Reader, project: str, row: dict[str, Any]) -> dict[str, Any]:
    """TraceThread, as far as we know it."""
    first, last = (reader.trace(row[which])["trace"] for which in ("first_trace", "last_trace"))
    return {
        "id": row["id"], "thread_model_id": thread_model_id(project, row["id"]), "project_id": project,
        **_times(row["start_us"], row["end_us"]), "first_message": first["input"], "last_message": last["output"],
        "number_of_messages": row["traces"] * 2, "status": "active" if row["running"] else "inactive",
        "feedback_scores": _scores(reader.thread_scores(row["id"])), "total_estimated_cost": row["cost"],
        "comments": _comments(reader, "thread", row["id"], project),
        "usage": _usage(row["tin"], row["tout"]), "tags": last["tags"], "environment": last["environment"],
    }  # fmt: skip


def thread_model_id(project: str, thread_id: str) -> str:
    """The id that Opik's SDK pages by."""
    return str(uuid5(NAMESPACE_URL, f"{project}/{thread_id}"))


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
        "project_name": span["project"], "project_id": span["project"],
        **_times(span["start_us"], span["end_us"]), "input": span["input"],
        "output": span["output"], "metadata": span["metadata"], "tags": span["tags"], "model": span["model"],
        "provider": span["provider"], "usage": raw or (_usage(*tokens) if parts else None),
        "error_info": _error(span["error"]), "total_estimated_cost": span["cost"],
        "feedback_scores": _scores(span["scores"]), "comments": _comments(reader, "span", id),
        "guardrails_validations": _guarded([{**score, "span_id": id} for score in span["scores"]]),
    }  # fmt: skip


def comment_view(comment: dict[str, Any]) -> dict[str, Any]:
    """Comment, as far as we know it."""
    by = {"created_by": comment["author"] or None, "last_updated_by": comment["author"] or None}
    at = {"created_at": _time(comment["ts_us"]), "last_updated_at": _time(comment["updated_us"])}
    return {"id": comment["id"], "text": comment["text"], **at, **by}


def _comments(reader: Reader, kind: str, id: str, project: str | None = None) -> list[dict[str, Any]] | None:
    """Its own, without those of a trace's spans; None for none, as Opik has it."""
    found = (one for one in reader.comments(kind, id, project) if one[f"{kind}_id"] is not None)
    return [comment_view(one) for one in found] or None


def _guarded(scores: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """What guardrails found, by span: `ingest.opik` keeps each check as a score of the span that checked."""
    checks: dict[str, list[dict[str, Any]]] = {}
    for score in scores:
        if score["source"] == GUARDRAIL and score["span_id"] is not None:
            check = {"name": score["name"].removeprefix("guardrail.").upper(), "result": score["label"]}
            checks.setdefault(score["span_id"], []).append(check)
    return [{"span_id": span_id, "checks": found} for span_id, found in checks.items()] or None


def _usage(tin: int, tout: int) -> dict[str, int] | None:
    """None where no tokens were spent, as Opik has it."""
    if not tin and not tout:
        return None
    return {"prompt_tokens": tin, "completion_tokens": tout, "total_tokens": tin + tout}


def _times(start_us: int, end_us: int | None) -> dict[str, Any]:
    """Start, end and duration in milliseconds; Opik's creation and update times are theirs."""
    start, end = _time(start_us), _time(end_us)
    duration = None if end_us is None else max(0, end_us - start_us) / 1000
    times = {"start_time": start, "end_time": end, "created_at": start, "last_updated_at": end or start}
    return {**times, "duration": duration}


def _value(value: Any) -> float:
    return 1.0 if value is None else float(value)


def _time(us: int | None) -> str | None:
    if us is None:
        return None
    when = _EPOCH + timedelta(microseconds=us)
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


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
            "name": score["name"], "value": _value(score["value"]),
            "category_name": score["label"], "reason": score["reason"], "source": score["source"],
        }
        for score in scores
    ]  # fmt: skip
