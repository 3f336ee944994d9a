"""One request or websocket: its span, from the first look at its scope to the last byte."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send
from trailmark.instrumentation import continue_from, guard, query_pairs, read_headers, start_span

from trailmark_fastapi._bodies import Body
from trailmark_fastapi._names import template
from trailmark_fastapi._settings import Settings

__all__ = ["Exchange", "HTTPExchange", "WebSocketExchange"]

_TRACE_HEADERS: Final = frozenset(
    name.encode() for name in ("traceparent", "tracestate", "opik_trace_id", "opik_parent_span_id")
) | {b"opik-trace-id", b"opik-parent-span-id"}
_GONE: Final = ("ClientDisconnect", "ClientDisconnected")


class Exchange:
    """Holds the span; ends it once. The application's messages pass unchanged."""

    def __init__(self, scope: Scope, settings: Settings) -> None:
        self._scope, self._settings = scope, settings
        self._root_before = scope.get("root_path", "")
        self._method = scope.get("method", "WS")
        self._outside = sys.exc_info()[1]  # what the server itself may be handling
        self._is_ended = False
        self._metadata: dict[str, Any] = {}
        self._input = self._asked()
        told = [pair for pair in scope.get("headers", ()) if pair[0] in _TRACE_HEADERS]
        remote = read_headers(told) if told else None
        fields = self._of_user()
        metadata = fields.pop("metadata", {})
        if remote is not None and not settings.trust_incoming:
            metadata, remote = {**metadata, "incoming_trace_id": remote.trace_id}, None
        shared = {key: fields.pop(key) for key in ("tags",) if key in fields}
        if metadata:
            shared["metadata"] = metadata
        project = fields.pop("project_name", None)
        shared |= {"input": self._input, "project_name": project, "trace_fields": {**fields, **shared}}
        if remote is None:
            self.span = start_span(self._method, parent=None, **shared)
        else:
            with continue_from(remote):
                self.span = start_span(self._method, **shared)

    def receiving(self, receive: Receive) -> Receive:
        """The application's `receive`."""

        async def watched() -> Message:
            message = await receive()
            try:  # by hand: a guard costs a microsecond, and a long stream has many messages
                self._received(message)
            except Exception as error:  # noqa: BLE001
                _own_fault(error)
            return message

        return watched

    def sending(self, send: Send) -> Send:
        """The application's `send`."""

        async def watched(message: Message) -> None:
            try:
                message = self._sent(message)
            except Exception as error:  # noqa: BLE001
                _own_fault(error)
            await send(message)
            try:
                self._passed(message)
            except Exception as error:  # noqa: BLE001
                _own_fault(error)

        return watched

    def raised(self, error: BaseException) -> None:
        """The application did not return."""
        with guard("ending the trace of a request"):
            if not self._is_ended:
                self._fail(error)
            elif self.span is not None and error is not self._told:
                self.span.update(metadata={"after_response": f"{type(error).__name__}: {error}"[:1000]})

    def returned(self) -> None:
        """Nothing of the request runs any more."""
        with guard("ending the trace of a request"):
            self._end()

    _told: BaseException | None = None

    def _received(self, message: Message) -> None:
        raise NotImplementedError

    def _sent(self, message: Message) -> Message:
        raise NotImplementedError

    def _passed(self, message: Message) -> None:
        raise NotImplementedError

    def _fail(self, error: BaseException) -> None:
        self._told = error
        if self.span is not None:
            self.span.fail(error)

    def _output(self) -> Any:
        raise NotImplementedError

    def _status(self) -> Any:
        raise NotImplementedError

    def _end(self) -> None:
        if self._is_ended or self.span is None:
            return
        self._is_ended = True
        self._rename()
        status = None if self.span.status != "running" else self._status()
        if self._metadata:
            self.span.update(metadata=self._metadata)
        self.span.end(status, output=self._output())

    def _rename(self) -> None:
        """The route is known by now, if there is one."""
        route = template(self._scope, self._root_before)
        if route is not None and self.span is not None:
            name = f"{self._method} {route}"
            if self.span.trace is not None:
                self.span.trace.update(name=name)
            self.span.update(name=name)

    def _asked(self) -> dict[str, Any]:
        scope = self._scope
        asked: dict[str, Any] = {"method": self._method, "path": scope.get("path", "")}
        if query := scope.get("query_string"):
            asked["query"] = query_pairs(query)
        if wanted := {name.lower().encode("latin-1") for name in self._settings.capture_headers}:
            asked["headers"] = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in scope.get("headers", ())
                if name in wanted
            }
        return asked

    def _of_user(self) -> dict[str, Any]:
        """Fields the user gave, or whose functions answered; one that raises is missing, and said once."""
        found: dict[str, Any] = {}
        for name in ("thread_id", "user_id", "tags", "metadata", "project_name"):
            value = getattr(self._settings, name)
            if value is None:
                continue
            with guard(f"{name} of the trace of a request"):
                if callable(value):
                    value = value(HTTPConnection(self._scope))
                if value is not None:
                    found[name] = _checked(name, value)
        return found


def _own_fault(error: Exception) -> None:
    with guard("watching a request"):
        raise error


def _checked(name: str, value: Any) -> Any:
    if name == "tags":
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise TypeError(f"tags is {value!r}; allowed: a list of texts")
        return [str(tag) for tag in value]
    return dict(value) if name == "metadata" else str(value)


class HTTPExchange(Exchange):
    """Ends with the last byte of the response; background tasks come after it."""

    def __init__(self, scope: Scope, settings: Settings) -> None:
        self._began = time.monotonic()
        self._code = 0
        self._is_whole = self._is_gone = False
        self._request = Body(settings.max_body_bytes if settings.capture_request_body else 0)
        self._response = Body(settings.max_body_bytes if settings.capture_response_body else 0)
        self._response_type = ""
        self._first_byte_ms: float | None = None
        super().__init__(scope, settings)

    def _received(self, message: Message) -> None:
        if message["type"] == "http.request":
            self._request.add(message.get("body", b""))
        elif message["type"] == "http.disconnect":
            self._is_gone = True

    def _sent(self, message: Message) -> Message:
        if message["type"] != "http.response.start":
            return message
        self._code = message["status"]
        self._note_handled()
        headers = list(message.get("headers", ()))
        self._response_type = _header(headers, b"content-type")
        name = self._settings.response_header
        if name is None or self.span is None or any(key.lower() == name.encode() for key, _ in headers):
            return message
        return {**message, "headers": [*headers, (name.lower().encode(), self.span.trace_id.encode())]}

    def _note_handled(self) -> None:
        """An exception handler answers inside its `except`: what it answers is told, with its traceback."""
        error = sys.exc_info()[1]
        if error is None or error is self._outside:
            return
        if self._code >= 500:
            self._fail(error)
        else:
            self._metadata["exception"] = type(error).__name__  # its text may hold the body

    def _passed(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            data = message.get("body", b"")
            if data:
                if not self._response.size:
                    self._first_byte_ms = round((time.monotonic() - self._began) * 1000, 3)
                self._response.add(data)
            self._is_whole = not message.get("more_body", False)
        elif kind in ("http.response.pathsend", "http.response.zerocopysend"):
            self._is_whole = not message.get("more_body", False)
        if self._is_whole:
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

    def _output(self) -> Any:
        answer: dict[str, Any] = {"status": self._code or None, "bytes": self._response.size}
        if self._response_type:
            answer["content_type"] = self._response_type
        if self._first_byte_ms is not None:
            answer["first_byte_ms"] = self._first_byte_ms
        if self._settings.capture_response_body:
            answer["body"] = self._response.shown(self._response_type)
        return answer

    def _end(self) -> None:
        if not self._is_ended and self.span is not None and self._request.size:
            self._input["bytes"] = self._request.size
            if self._settings.capture_request_body:
                kind = _header(self._scope.get("headers", ()), b"content-type")
                self._input["body"] = self._request.shown(kind)
            self.span.set_input(self._input)
        super()._end()


class WebSocketExchange(Exchange):
    """One connection is one trace."""

    def __init__(self, scope: Scope, settings: Settings) -> None:
        self._in = self._out = 0
        self._code: int | None = None
        self._is_accepted = False
        super().__init__(scope, settings)

    def _received(self, message: Message) -> None:
        if message["type"] == "websocket.receive":
            self._in += 1
        elif message["type"] == "websocket.disconnect" and self._code is None:
            self._code = message.get("code", 1005)

    def _sent(self, message: Message) -> Message:
        return message

    def _passed(self, message: Message) -> None:
        kind = message["type"]
        self._is_accepted |= kind == "websocket.accept"
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

    def _output(self) -> Any:
        return {"received": self._in, "sent": self._out, "code": self._code, "accepted": self._is_accepted}


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")
