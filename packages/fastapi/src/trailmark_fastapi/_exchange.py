"""One request or websocket: its span, from the first look at its scope to the last byte."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send
from trailmark.instrumentation import Remote, Span, continue_from, fault, guard, query_pairs, read_headers, start_span

from trailmark_fastapi._bodies import Body
from trailmark_fastapi._names import template
from trailmark_fastapi._settings import Settings, checked

__all__ = ["Exchange", "HTTPExchange", "WebSocketExchange"]

_TRACE_HEADERS: Final = frozenset(
    name.encode() for name in ("traceparent", "tracestate", "opik_trace_id", "opik_parent_span_id")
) | {b"opik-trace-id", b"opik-parent-span-id"}
_GONE: Final = ("ClientDisconnect", "ClientDisconnected")


class Exchange:
    """Holds the span; ends it once. The application's messages pass unchanged."""

    # Defaults on the class: most requests set none of these.
    _is_ended = False
    _failure: BaseException | None = None

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings) -> None:
        self._scope, self._receive, self._send, self._settings = scope, receive, send, settings
        self._root_before = scope.get("root_path", "")
        self._method: str = scope.get("method", "WS")
        self._outside = sys.exc_info()[1]  # what the server itself may be handling
        self._metadata: dict[str, Any] = {}
        self._input = self._asked()
        told = [pair for pair in scope.get("headers", ()) if pair[0] in _TRACE_HEADERS]
        remote = read_headers(told) if told else None
        fields = self._of_user() if settings.of_user else {}
        if remote is not None and not settings.trust_incoming:
            fields["metadata"] = {**fields.get("metadata", {}), "incoming_trace_id": remote.trace_id}
            remote = None
        self.span = self._opened(remote, fields)

    def _opened(self, remote: Remote | None, fields: dict[str, Any]) -> Span | None:
        of_span: dict[str, Any] = {key: fields[key] for key in ("tags", "metadata") if key in fields}
        project = fields.pop("project_name", None)
        shared: dict[str, Any] = {"input": self._input, "project_name": project, "trace_fields": fields, **of_span}
        if remote is None:
            return start_span(self._method, parent=None, **shared)
        with continue_from(remote):
            return start_span(self._method, **shared)

    async def receive(self) -> Message:
        """What the application asks the server with."""
        message = await self._receive()
        try:  # by hand: a guard costs a microsecond, and a long stream has many messages
            self._received(message)
        except Exception as error:  # noqa: BLE001
            fault("watching a request", error)
        return message

    async def send(self, message: Message) -> None:
        """What the application answers the server with."""
        try:
            told = self._told(message)
        except Exception as error:  # noqa: BLE001
            fault("watching a request", error)
            told = message
        await self._send(told)
        try:
            self._sent(message)
        except Exception as error:  # noqa: BLE001
            fault("watching a request", error)

    def raised(self, error: BaseException) -> None:
        """The application did not return."""
        with guard("ending the trace of a request"):
            if not self._is_ended:
                self._fail(error)
            elif self.span is not None and error is not self._failure:
                self.span.update(metadata={"after_response": f"{type(error).__name__}: {error}"[:1000]})

    def returned(self) -> None:
        """Nothing of the request runs any more."""
        if not self._is_ended:
            with guard("ending the trace of a request"):
                self._end()

    def _received(self, message: Message) -> None:
        raise NotImplementedError

    def _told(self, message: Message) -> Message:
        """A message on its way to the server, as the server is to have it."""
        return message

    def _sent(self, message: Message) -> None:
        raise NotImplementedError

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        if self.span is not None:
            self.span.fail(error)

    def _output(self) -> dict[str, Any]:
        raise NotImplementedError

    def _status(self) -> Any:
        raise NotImplementedError

    def _end(self) -> None:
        span = self.span
        if self._is_ended or span is None:
            return
        self._is_ended = True
        self._rename(span)
        status = None if span.status != "running" else self._status()
        answer = self._output()
        if not span.keeps("output"):
            self._metadata["response"] = {key: fact for key, fact in answer.items() if key != "body"}
        if self._metadata:
            span.update(metadata=self._metadata)
        span.end(status, output=answer)

    def _rename(self, span: Span) -> None:
        """The route is known by now, if there is one. A name the user gave stays."""
        route = template(self._scope, self._root_before)
        if route is not None and span.name == self._method:
            span.rename(f"{self._method} {route}")

    def _asked(self) -> dict[str, Any]:
        scope = self._scope
        asked: dict[str, Any] = {"method": self._method, "path": scope.get("path", "")}
        if query := scope.get("query_string"):
            asked["query"] = query_pairs(query)
        if wanted := self._settings.wanted_headers:
            asked["headers"] = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in scope.get("headers", ())
                if name in wanted
            }
        return asked

    def _of_user(self) -> dict[str, Any]:
        """Fields the user gave, or whose functions answered; one that raises is missing, and said once."""
        found: dict[str, Any] = {}
        for name, value in self._settings.of_user:
            with guard(f"{name} of the trace of a request"):
                told = value(HTTPConnection(self._scope)) if callable(value) else value
                if told is not None:
                    found[name] = checked(name, told)
        return found


class HTTPExchange(Exchange):
    """Ends with the last byte of the response; background tasks come after it."""

    _code = 0
    _is_whole = _is_gone = False
    _request_bytes = _response_bytes = 0
    _request: Body | None = None
    _response: Body | None = None
    _response_type = ""
    _first_byte_ms: float | None = None

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings) -> None:
        self._began = time.monotonic()
        if settings.capture_request_body:
            self._request = Body(settings.max_body_bytes)
        if settings.capture_response_body:
            self._response = Body(settings.max_body_bytes)
        super().__init__(scope, receive, send, settings)

    def _received(self, message: Message) -> None:
        if message["type"] == "http.request":
            if data := message.get("body", b""):
                self._request_bytes += len(data)
                if self._request is not None:
                    self._request.add(data)
        elif message["type"] == "http.disconnect":
            self._is_gone = True

    def _told(self, message: Message) -> Message:
        if message["type"] != "http.response.start":
            return message
        self._code = message["status"]
        self._note_handled()
        headers = list(message.get("headers", ()))  # any iterable will do, and one that is consumed will not do twice
        name, span, is_there = self._settings.response_header, self.span, False
        for key, value in headers:
            lowered = key.lower()
            if lowered == b"content-type":
                self._response_type = value.decode("latin-1")
            elif lowered == name:
                is_there = True
        if name is not None and span is not None and not is_there:
            headers.append((name, span.trace_id.encode()))
        return {**message, "headers": headers}

    def _note_handled(self) -> None:
        """An exception handler answers inside its `except`: what it answers is told, with its traceback."""
        error = sys.exc_info()[1]
        if error is None or error is self._outside:
            return
        if self._code >= 500:
            self._fail(error)
        else:
            self._metadata["exception"] = type(error).__name__  # its text may hold the body

    def _sent(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            if data := message.get("body", b""):
                if not self._response_bytes:
                    self._first_byte_ms = round((time.monotonic() - self._began) * 1000, 3)
                self._response_bytes += len(data)
                if self._response is not None:
                    self._response.add(data)
        elif kind not in ("http.response.pathsend", "http.response.zerocopysend"):
            return
        if not message.get("more_body", False):
            self._is_whole = True
            self._end()

    def _fail(self, error: BaseException) -> None:
        if type(error).__name__ in _GONE:
            self._is_gone = True
        else:
            super()._fail(error)

    def _status(self) -> Any:
        if self._is_whole:
            return "error" if self._code >= 500 else None
        if self._is_gone:
            self._metadata["client_disconnected"] = True
        return "cancelled" if self._is_gone else None if self._code < 500 else "error"

    def _output(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"status": self._code or None, "bytes": self._response_bytes}
        if self._response_type:
            answer["content_type"] = self._response_type
        if self._first_byte_ms is not None:
            answer["first_byte_ms"] = self._first_byte_ms
        if self._response is not None:
            answer["body"] = self._response.shown(self._response_type)
        return answer

    def _end(self) -> None:
        if self._request_bytes and not self._is_ended and self.span is not None:
            self._input["bytes"] = self._request_bytes
            if self._request is not None:
                kind = _header(self._scope.get("headers", ()), b"content-type")
                self._input["body"] = self._request.shown(kind)
            self.span.observe(input=self._input)
        super()._end()


class WebSocketExchange(Exchange):
    """One connection is one trace."""

    _denied = 0

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings) -> None:
        self._in = self._out = 0
        self._code: int | None = None
        self._is_accepted = False
        super().__init__(scope, receive, send, settings)

    def _received(self, message: Message) -> None:
        if message["type"] == "websocket.receive":
            self._in += 1
        elif message["type"] == "websocket.disconnect" and self._code is None:
            self._code = message.get("code", 1005)

    def _sent(self, message: Message) -> None:
        kind = message["type"]
        self._is_accepted |= kind == "websocket.accept"
        if kind == "websocket.http.response.start":
            self._denied = message["status"]
        if kind == "websocket.send":
            self._out += 1
        elif kind == "websocket.close" and self._code is None:
            self._code = message.get("code", 1000)

    def _fail(self, error: BaseException) -> None:
        if type(error).__name__ == "WebSocketDisconnect":
            self._code = self._code or getattr(error, "code", None)
        else:
            super()._fail(error)

    def _status(self) -> Any:
        return "cancelled" if self._code == 1006 else "error" if self._code == 1011 else None

    def _output(self) -> dict[str, Any]:
        denied = {"status": self._denied} if self._denied else {}
        return {"received": self._in, "sent": self._out, "code": self._code, "accepted": self._is_accepted, **denied}


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")
