"""One request or websocket: its span, from the first look at its scope to its end. Every one pays for it."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from sys import exception
from time import monotonic_ns
from typing import Any, Final

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send
from trailmark.instrumentation import (
    Remote,
    Span,
    continue_from,
    fault,
    guard,
    query_pairs,
    read_headers,
    start_root_span,
    start_span,
)
from trailmark.model import Status

from trailmark_fastapi._names import Names, template
from trailmark_fastapi._settings import Settings, checked

__all__ = ["Exchange"]

_TRACE_HEADERS: Final = frozenset(
    name.encode() for name in ("traceparent", "tracestate", "opik_trace_id", "opik_parent_span_id")
) | {b"opik-trace-id", b"opik-parent-span-id"}


_METHODS: Final = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "WS"))  # others are a client's own words
_header_name: Final = itemgetter(0)


class Exchange:
    """Holds the span; ends it once. The application's messages pass unchanged."""

    # Defaults on the class, of what is seldom read before it is set: a default costs more to read than to set.
    _failure: BaseException | None = None
    _headers: dict[str, str] | None = None  # those wanted

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings, names: Names) -> None:
        self._began = monotonic_ns()
        self._scope, self._receive, self._send = scope, receive, send
        self._settings, self._names = settings, names
        self._outside = exception()  # what the server itself may be handling
        self._metadata: dict[str, Any] | None = None
        self._request_bytes = 0
        self.is_ended = self._is_routed = False  # that: the application has said by which route
        method: str = scope.get("method", "WS")
        try:
            path, headers, query = scope["path"], scope["headers"], scope["query_string"]
        except KeyError:  # servers must not, but may leave them out
            path, headers, query = scope.get("path", ""), scope.get("headers", ()), scope.get("query_string")
        self._asked_path = self._path = below = path
        self._query = query
        self._root_before = root = scope.get("root_path", "")
        if root:
            self._path = below = path.removeprefix(root)
        self._route = route = names.guess(below)
        self._method, self._name = method, method if route is None else f"{method} {route}"
        if settings.looks_closer:
            self._look_closer(headers)
        if settings.of_user or not _TRACE_HEADERS.isdisjoint(map(_header_name, headers)):
            told = [pair for pair in headers if pair[0] in _TRACE_HEADERS]
            self.span = self._start_with(read_headers(told) if told else None)
        elif settings.wanted_headers:
            self.span = start_span(self._name, parent=None, input=self._asked())
        else:
            text = path if method in _METHODS else f"{method} {path}"
            if query:
                text = f"{query!r} {text}"
            self.span = start_root_span(self._name, self._asked, text, is_brief=not query)

    def _look_closer(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """At what not every user wants."""
        if wanted := self._settings.wanted_headers:
            self._headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name in wanted
            }

    def _asked(self) -> dict[str, Any]:
        """What is recorded as the input."""
        asked: dict[str, Any] = {"method": self._method, "path": self._asked_path}
        if self._query:
            asked["query"] = query_pairs(self._query)
        if self._headers is not None:
            asked["headers"] = self._headers
        return asked

    def _start_with(self, remote: Remote | None) -> Span | None:
        """In the caller's trace, and with what the user wants to be said."""
        fields = self._of_user() if self._settings.of_user else {}
        if remote is not None and not self._settings.trust_incoming:
            fields["metadata"] = {**fields.get("metadata", {}), "incoming_trace_id": remote.trace_id}
            remote = None
        of_span: dict[str, Any] = {key: fields[key] for key in ("tags", "metadata") if key in fields}
        project = fields.pop("project_name", None)
        shared: dict[str, Any] = {"input": self._asked(), "project_name": project, "trace_fields": fields, **of_span}
        if remote is None:
            return start_span(self._name, parent=None, **shared)
        with continue_from(remote):
            return start_span(self._name, **shared)

    async def receive(self) -> Message:
        """What the application asks the server with."""
        message = await self._receive()
        try:  # by hand: a guard costs a microsecond, and a long stream has many messages
            self._received(message)
        except Exception as error:  # noqa: BLE001
            fault("watching a request", error)
        return message

    def raised(self, error: BaseException) -> None:
        """The application did not return."""
        with guard("ending the trace of a request"):
            if not self.is_ended:
                self._fail(error)
            elif self.span is not None and error is not self._failure:
                told = f": {error}" if self.span.keeps("output") else ""
                self.span.update(metadata={"after_response": f"{type(error).__name__}{told}"[:1000]})

    def end(self) -> None:
        """Nothing of the request runs any more, or its answer is whole."""
        span = self.span
        if self.is_ended or span is None:
            return
        self.is_ended = True
        try:  # by hand, as in `receive`
            if not self._is_routed:
                self._go_by(template(self._scope, self._root_before))
            if self._request_bytes:
                self._note_input()
            status, answer, free_text = self._answer()
            if status is not None and span.status != "running":
                status = None  # what was said of it before counts
            if not span.keeps("output"):
                self._note("response", {key: fact for key, fact in answer.items() if key != "body"})
            if self._metadata is not None:
                span.update(metadata=self._metadata)
            span.end(status, output=answer, free_text=free_text)
        except Exception as error:  # noqa: BLE001
            fault("ending the trace of a request", error)

    def _received(self, message: Message) -> None:
        raise NotImplementedError

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        if self.span is not None:
            self.span.fail(error)

    def _note(self, name: str, value: Any) -> None:
        self._metadata = {**(self._metadata or {}), name: value}

    def _note_input(self) -> None:
        """What came with the request since it was opened."""

    def _answer(self) -> tuple[Status | None, dict[str, Any], str | None]:
        """How it ended (None: as the span says), what it was answered, and the text in that which is not ours.

        The text None: all of it is to be looked at.
        """
        raise NotImplementedError

    def _go_by(self, route: str | None) -> bool:
        """Take the name of the route, which is known by now if there is one; whether that is news. A user's stays."""
        span = self.span
        self._is_routed = route is not None
        if route == self._route or span is None:
            return False
        if route is not None:
            self._names.learn(self._path, route, self._route)
        is_ours, self._route = span.name == self._name, route
        self._name = self._method if route is None else f"{self._method} {route}"
        if is_ours:
            span.rename(self._name)
        return is_ours

    def _of_user(self) -> dict[str, Any]:
        """Fields the user gave, or whose functions answered; one that raises is missing, and said once."""
        found: dict[str, Any] = {}
        for name, value in self._settings.of_user:
            with guard(f"{name} of the trace of a request"):
                told = value(HTTPConnection(self._scope)) if callable(value) else value
                if told is not None:
                    found[name] = checked(name, told)
        return found
