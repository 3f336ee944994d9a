"""The ASGI middleware: opens the trace, watches what passes, and changes nothing but one header."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, Unpack

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send
from trailmark import flush
from trailmark.instrumentation import enter, entered, fault, guard, is_tracing_active

from trailmark_fastapi._http import HTTPExchange
from trailmark_fastapi._names import Names
from trailmark_fastapi._settings import Options, Settings
from trailmark_fastapi._websocket import WebSocketExchange

__all__ = ["TrailmarkMiddleware"]

ASGIApp: TypeAlias = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

_SEEN: Final = "trailmark.trace"
_Exchange: TypeAlias = HTTPExchange | WebSocketExchange
_EXCHANGES: Final[dict[str, type[_Exchange]]] = {"http": HTTPExchange, "websocket": WebSocketExchange}


class TrailmarkMiddleware:
    """A trace for each request and websocket, until its last byte: `app.add_middleware(TrailmarkMiddleware)`.

    Options: `exclude` (regular expressions of paths), `capture_request_body`, `capture_response_body`,
    `max_body_bytes` (of each), `capture_headers` (names, of requests), `thread_id`, `user_id`, `tags`, `metadata`,
    `project_name` (values, or functions of the request), `trust_incoming` (continue the caller's trace),
    `response_header` (its name, or None). Raises TypeError or ValueError for a value not allowed.
    """

    def __init__(self, app: ASGIApp, **options: Unpack[Options]) -> None:
        self.app = app
        self._settings = Settings(**options)
        self._names = Names()

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        exchange = self._open(scope, receive, send)
        if exchange is None:
            await self.app(scope, receive, _flushing(send) if scope["type"] == "lifespan" else send)
            return
        before, span = entered(), exchange.span
        enter(span)
        try:
            app = self.app
            await app(scope, exchange.receive, exchange.send)
        except BaseException as error:
            exchange.raised(error)
            raise
        finally:
            if entered() is span:  # as `leave`
                enter(before)
            if not exchange.is_ended:
                exchange.end()

    def around(self, app: ASGIApp, names: Names) -> TrailmarkMiddleware:
        """The same around another application, whose names these are."""
        other = TrailmarkMiddleware.__new__(TrailmarkMiddleware)
        other.app, other._settings, other._names = app, self._settings, names
        return other

    def _open(self, scope: Scope, receive: Receive, send: Send) -> _Exchange | None:
        make = _EXCHANGES.get(scope["type"])
        if make is None or _SEEN in scope or not is_tracing_active():
            return None
        try:  # by hand, as every request comes here
            is_excluded = self._settings.is_excluded
            if scope.get("method") == "OPTIONS" or is_excluded(scope.get("path", "")):
                return None
            exchange = make(scope, receive, send, self._settings, self._names)
            span = exchange.span
            if span is not None:
                scope[_SEEN] = scope.setdefault("state", {})["trace_id"] = span.trace_id
                return exchange
        except Exception as error:  # noqa: BLE001
            fault("opening the trace of a request", error)
        return None


def _flushing(send: Send) -> Send:
    """Delivers what was recorded before the server says good-bye."""

    async def sending(message: Message) -> None:
        if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            with guard("flushing at shutdown"):
                await run_in_threadpool(flush)
        await send(message)

    return sending
