"""A request and its response. Ends with the last byte of the response; background tasks come after it."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from sys import exception
from time import monotonic_ns
from typing import Any, Final

from starlette.types import Message
from trailmark.instrumentation import fault
from trailmark.model import Status

from trailmark_fastapi._bodies import Body
from trailmark_fastapi._exchange import Exchange
from trailmark_fastapi._names import template

__all__ = ["HTTPExchange"]

_GONE: Final = ("ClientDisconnect", "ClientDisconnected")
_OWN_WORDS: Final = frozenset(("", "application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8"))
_BY_SERVER: Final = ("http.response.pathsend", "http.response.zerocopysend")


class HTTPExchange(Exchange):
    """One request: counts what passes, adds one header to the answer."""

    _code = _response_bytes = 0
    _is_whole = _is_gone = _is_untold = False
    _request: Body | None = None
    _response: Body | None = None
    _response_type = ""
    _first_byte_ms: float | None = None

    def _look_closer(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        settings = self._settings
        if settings.capture_request_body:
            self._request = Body(settings.max_body_bytes)
        if settings.capture_response_body:
            self._response = Body(settings.max_body_bytes)
        super()._look_closer(headers)

    def send(self, message: Message) -> Awaitable[None]:
        """What the application answers the server with. No coroutine of our own but for the last piece: each costs."""
        try:
            kind = message["type"]
            if kind == "http.response.body":
                if data := message.get("body"):
                    if not self._response_bytes:
                        self._first_byte_ms = (monotonic_ns() - self._began) // 1000 / 1000
                    self._response_bytes += len(data)
                    if self._response is not None:
                        self._response.add(data)
                if not message.get("more_body"):
                    return self._last(message)
                if self._is_untold:
                    self._tell()
            elif kind == "http.response.start":
                message = self._started(message)
            elif kind in _BY_SERVER and not message.get("more_body"):
                return self._last(message)
        except Exception as error:  # noqa: BLE001 - by hand, as a guard costs more than what it guards
            fault("watching a request", error)
        send = self._send
        return send(message)

    async def _last(self, message: Message) -> None:
        send = self._send
        await send(message)
        self._is_whole = True
        self.end()

    def _received(self, message: Message) -> None:
        if message["type"] == "http.request":
            if data := message.get("body", b""):
                self._request_bytes += len(data)
                if self._request is not None:
                    self._request.add(data)
        elif message["type"] == "http.disconnect":
            self._is_gone = True

    def _started(self, message: Message) -> Message:
        """The head of the response, with the trace's id in it."""
        self._code = message["status"]
        if exception() is not None:
            self._note_handled()
        headers = [*message.get("headers", ())]  # any iterable will do, and one that is consumed will not do twice
        known = dict(headers)
        kind = known.get(b"content-type")
        if kind is None or len(known) > 2:  # most write them small, and only two
            known = {key.lower(): value for key, value in headers}
            kind = known.get(b"content-type")
        if kind:
            self._response_type = kind.decode("latin-1")
        name, span = self._settings.response_header, self.span
        if name is not None and span is not None and name not in known:
            headers.append((name, span.trace_id.encode()))
        route = template(self._scope, self._root_before)
        if route is not None and route == self._route:  # as guessed: nearly always
            self._is_routed = True
        elif self._go_by(route):
            self._is_untold = True
            if b"content-length" not in known:  # a stream, which may run for long
                self._tell()
        return {**message, "headers": headers}

    def _tell(self) -> None:
        self._is_untold = False
        if self.span is not None:
            self.span.tell()

    def _note_handled(self) -> None:
        """An exception handler answers inside its `except`: what it answers is told, with its traceback."""
        error = exception()
        if error is None or error is self._outside:
            return
        if self._code >= 500:
            self._fail(error)
        else:
            self._note("exception", type(error).__name__)  # its text may hold the body

    def _fail(self, error: BaseException) -> None:
        if type(error).__name__ in _GONE:
            self._is_gone = True
        else:
            super()._fail(error)

    def _answer(self) -> tuple[Status | None, dict[str, Any], str | None]:
        kind = self._response_type
        answer: dict[str, Any] = {"status": self._code or None, "bytes": self._response_bytes}
        if kind:
            answer["content_type"] = kind
        if self._first_byte_ms is not None:
            answer["first_byte_ms"] = self._first_byte_ms
        text: str | None = "" if kind in _OWN_WORDS else kind
        if self._response is not None:
            answer["body"], text = self._response.shown(kind), None
        if self._is_whole and self._code < 500:
            return None, answer, text
        return self._how_it_ended(), answer, text

    def _how_it_ended(self) -> Status | None:
        if self._is_gone and not self._is_whole:
            self._note("client_disconnected", True)
            return "cancelled"
        return None if self._code < 500 else "error"

    def _note_input(self) -> None:
        if self.span is not None:
            asked = {**self._asked(), "bytes": self._request_bytes}
            if self._request is not None:
                kind = _header(self._scope.get("headers", ()), b"content-type")
                asked["body"] = self._request.shown(kind)
            self.span.observe(input=asked)


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")
