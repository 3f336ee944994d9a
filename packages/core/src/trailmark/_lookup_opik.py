"""What an Opik server holds, asked by the routes of its own SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from trailmark._lookup import StoredSpan, StoredTrace
from trailmark._opik_filters import opik_filters
from trailmark.errors import NotFoundError, ServerError

if TYPE_CHECKING:
    import httpx2

    from trailmark._lookup import Asking

__all__ = ["OpikLookup"]

PAGE: Final = 500


class OpikLookup:
    """As `Lookup`. Opik has statuses of its own, usage as overlapping sums, and no attachments by id."""

    def __init__(self, server: Asking) -> None:
        self._server = server

    def traces(self, query: str, project: str, limit: int) -> list[StoredTrace]:
        return [_trace(item, project) for item in self._found("traces", query, project, limit)]

    def spans(self, query: str, project: str, limit: int) -> list[StoredSpan]:
        return [_span(item) for item in self._found("spans", query, project, limit)]

    def trace(self, id: str) -> StoredTrace:
        return _trace(self._json(self._answer("GET", f"traces/{quote(id)}").text), "")

    def span(self, id: str) -> StoredSpan:
        return _span(self._json(self._answer("GET", f"spans/{quote(id)}").text))

    def attachment(self, id: str) -> bytes:
        raise ServerError(f"{self._server.base} is an Opik server, which has no attachment {id}: see it on its page")

    def delete_trace(self, id: str) -> None:
        self._answer("DELETE", f"traces/{quote(id)}")

    def _found(self, kind: str, query: str, project: str, limit: int) -> Iterator[dict[str, Any]]:
        asked: dict[str, Any] = {"project_name": project, "filters": opik_filters(query), "truncate": False}
        left = limit
        while left > 0:
            size = min(left, PAGE)
            answer = self._answer("POST", f"{kind}/search", {**asked, "limit": size})
            items = [self._json(line) for line in answer.text.splitlines() if line.strip()]
            yield from items
            left -= len(items)
            if len(items) < size:
                return
            asked["last_retrieved_id"] = items[-1]["id"]

    def _json(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict) or "id" not in found:
            raise ServerError(f"{self._server.base} answers neither as trailmark nor as Opik: {text[:200]!r}")
        return found

    def _answer(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        answer = self._server.request(method, f"v1/private/{path}", body)
        if answer.status_code == 404:
            raise NotFoundError(f"{self._server.base} has no {path}")
        if not answer.is_success or answer.headers.get("content-type", "").startswith("text/html"):
            raise ServerError(f"{self._server.base}: {answer.status_code} {answer.text[:200]}")
        return answer


def _trace(item: dict[str, Any], project: str) -> StoredTrace:
    usage = item.get("usage") or {}
    return StoredTrace(
        **_common(item), project=item.get("project_name") or project or item.get("project_id") or "",
        thread_id=item.get("thread_id"), user_id=_told(item, "user_id"),
        environment=item.get("environment"), span_count=item.get("span_count") or 0,
        input_tokens=usage.get("prompt_tokens") or 0, output_tokens=usage.get("completion_tokens") or 0,
    )  # fmt: skip


def _span(item: dict[str, Any]) -> StoredSpan:
    usage = item.get("usage") or {}
    parts = {"input": usage.get("prompt_tokens"), "output": usage.get("completion_tokens")}
    return StoredSpan(
        **_common(item), trace_id=item["trace_id"], parent_id=item.get("parent_span_id"),
        type=_told(item, "trailmark_type") or item.get("type") or "general",
        model=item.get("model"), provider=item.get("provider"),
        usage={part: count for part, count in parts.items() if count},
    )  # fmt: skip


def _common(item: dict[str, Any]) -> dict[str, Any]:
    error, ended = item.get("error_info"), "ok" if item.get("end_time") else "running"
    return {
        "id": item["id"], "name": item.get("name") or "",
        "status": "error" if error else _told(item, "trailmark_status") or ended,
        "start_time": _moment(item["start_time"]), "end_time": _moment(item.get("end_time")),
        "input": _payload(item, "input"), "output": _payload(item, "output"),
        "metadata": item.get("metadata") or {}, "tags": item.get("tags") or [],
        "error": error and {"type": error.get("exception_type"), "message": error.get("message"),
                            "traceback": error.get("traceback")},
        "scores": {
            score["name"]: {"value": score.get("value"), "label": score.get("category_name"),
                            "reason": score.get("reason"), "source": score.get("source")}
            for score in item.get("feedback_scores") or []
        },
        "total_cost": item.get("total_estimated_cost"), "attachments": [],
    }  # fmt: skip


def _told(item: dict[str, Any], key: str) -> Any:
    """What the exporter put into the metadata, where Opik has no field for it."""
    metadata = item.get("metadata")
    return metadata.get(key) if isinstance(metadata, dict) else None


def _payload(item: dict[str, Any], key: str) -> Any:
    """What the exporter wrapped, because Opik wants an object, comes back bare."""
    value = item.get(key)
    return value[key] if isinstance(value, dict) and list(value) == [key] else value


def _moment(text: str | None) -> Any:
    return None if text is None else datetime.fromisoformat(text)
