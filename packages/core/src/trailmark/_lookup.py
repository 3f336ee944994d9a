"""What a trailmark server holds, asked over HTTP: search, get, delete."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from trailmark.errors import NotFoundError, QueryError, ServerError

if TYPE_CHECKING:
    import httpx2

    from trailmark._settings import Settings

__all__ = ["Asking", "Lookup", "StoredFile", "StoredSpan", "StoredTrace"]

PAGE = 100
WHOLE = 2**28  # bytes of a value; pages ask for less
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An attachment as the server holds it; size in bytes. `Client.get_attachment(id)` gives its content."""

    id: str
    span_id: str | None
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class StoredTrace:
    """A trace as the server holds it. Cost in USD; scores by name: `{"value", "label", "reason"}` and their source."""

    id: str
    project: str
    name: str
    status: str
    start_time: datetime
    end_time: datetime | None
    input: Any
    output: Any
    metadata: dict[str, Any]
    tags: list[str]
    error: dict[str, Any] | None
    scores: dict[str, dict[str, Any]]
    thread_id: str | None
    user_id: str | None
    environment: str | None
    input_tokens: int
    output_tokens: int
    total_cost: float | None
    span_count: int
    attachments: list[StoredFile]


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """A span as the server holds it. Usage is a partition of tokens, cost in USD."""

    id: str
    trace_id: str
    parent_id: str | None
    name: str
    type: str
    status: str
    start_time: datetime
    end_time: datetime | None
    input: Any
    output: Any
    metadata: dict[str, Any]
    tags: list[str]
    error: dict[str, Any] | None
    scores: dict[str, dict[str, Any]]
    model: str | None
    provider: str | None
    usage: dict[str, int]
    total_cost: float | None
    attachments: list[StoredFile]


class Asking:
    """Requests to one server, as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.base = self._base()

    def request(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """Any answer; ServerError when there is none."""
        import httpx2

        from trailmark.exporters._http import is_loopback

        key = self._settings.api_key
        headers = {"Comet-Workspace": self._settings.workspace} | ({"Authorization": key} if key else {})
        try:
            with httpx2.Client(trust_env=not is_loopback(self.base), headers=headers, timeout=TIMEOUT_S) as http:
                return http.request(method, f"{self.base}/api/{path}", json=body)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServerError(f"no answer from {self.base}: {type(error).__name__}: {error}") from error

    def is_trailmark(self) -> bool:
        """Whether it speaks our own protocol; anything else that answers is taken for Opik."""
        return "x-trailmark" in self.request("GET", "is-alive/ping").headers

    def _base(self) -> str:
        if self._settings.url is not None:
            return self._settings.url.rstrip("/").removesuffix("/api")
        try:
            told = json.loads((self._settings.home / "server.json").read_text(encoding="utf-8"))
            os.kill(told["pid"], 0)
            return str(told["url"])
        except (OSError, ValueError, KeyError, TypeError):
            home = self._settings.home
            raise ServerError(
                f"no server runs on {home}, and no url is set: start one (trailmark serve), or give url="
            ) from None


class Lookup:
    """Asks a trailmark server."""

    def __init__(self, server: Asking) -> None:
        self._server = server

    def traces(self, query: str, project: str, limit: int) -> list[StoredTrace]:
        return [_trace(item) for item in self._pages("traces", query, project, limit)]

    def spans(self, query: str, project: str, limit: int) -> list[StoredSpan]:
        return [_span(item) for item in self._pages("spans", query, project, limit)]

    def trace(self, id: str) -> StoredTrace:
        return _trace(self._ask("GET", f"traces/{quote(id)}?limit=1&max_bytes={WHOLE}")["trace"])

    def span(self, id: str) -> StoredSpan:
        return _span(self._ask("GET", f"spans/{quote(id)}?max_bytes={WHOLE}"))

    def attachment(self, id: str) -> bytes:
        return self._answer("GET", f"files/{quote(id)}").content

    def delete_trace(self, id: str) -> None:
        self._ask("DELETE", f"traces/{quote(id)}")

    def _pages(self, kind: str, query: str, project: str, limit: int) -> Iterator[dict[str, Any]]:
        cursor, left = "", limit
        while left > 0:
            size = min(left, PAGE)
            asked = f"search/{kind}?project={quote(project, safe='')}&q={quote(query, safe='')}&limit={size}"
            page = self._ask("GET", asked + (f"&cursor={cursor}" if cursor else ""))
            yield from page["items"]
            cursor, left = page["next"], left - size
            if not cursor:
                return

    def _ask(self, method: str, path: str) -> Any:
        return self._answer(method, path).json()

    def _answer(self, method: str, path: str) -> httpx2.Response:
        answer, base = self._server.request(method, f"v1/{path}"), self._server.base
        if "x-trailmark" not in answer.headers:
            raise ServerError(f"{base} is no trailmark server")
        if answer.is_success:
            return answer
        problem = answer.json()
        if answer.status_code == 404:
            raise NotFoundError(problem["detail"])
        if "expected" in problem:
            expected = f"; expected: {', '.join(problem['expected'])}" if problem["expected"] else ""
            raise QueryError(f"{problem['detail']}, at {problem['start']}{expected}")
        raise ServerError(f"{base}: {answer.status_code} {problem['detail']}")


def _trace(item: dict[str, Any]) -> StoredTrace:
    return StoredTrace(
        **_common(item), project=item["project"], thread_id=item["thread"], user_id=item["user"],
        environment=item["environment"], input_tokens=item["tin"], output_tokens=item["tout"],
        span_count=item["spans"],
    )  # fmt: skip


def _span(item: dict[str, Any]) -> StoredSpan:
    own = {key: item[key] for key in ("trace_id", "parent_id", "type", "model", "provider")}
    return StoredSpan(**_common(item), **own, usage=item["usage"] or {})


def _common(item: dict[str, Any]) -> dict[str, Any]:
    return {
        **{key: item[key] for key in ("id", "name", "status", "input", "output", "error")},
        "start_time": _moment(item["start_us"]), "end_time": _moment(item["end_us"]),
        "metadata": item["metadata"] or {}, "tags": item["tags"] or [], "total_cost": item["cost"],
        "scores": {score["name"]: {key: score[key] for key in ("value", "label", "reason", "source")}
                   for score in item["scores"]},
        "attachments": [StoredFile(**{key: file[key] for key in StoredFile.__slots__}) for file in item["attachments"]],
    }  # fmt: skip


def _moment(us: int | None) -> Any:
    return None if us is None else datetime.fromtimestamp(us / 1e6, UTC)
