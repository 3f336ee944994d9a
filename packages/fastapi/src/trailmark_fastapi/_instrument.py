"""Outermost in one application, or in every Starlette application of the process."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Unpack
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from trailmark.instrumentation import patch

from trailmark_fastapi._middleware import TrailmarkMiddleware
from trailmark_fastapi._names import Names
from trailmark_fastapi._settings import Options

__all__ = ["instrument"]

_undo: list[Callable[[], None]] = []


def instrument(app: Any = None, **options: Unpack[Options]) -> Callable[[], None]:
    """Trace the application's requests from outside of all its middleware; returns a function that undoes it.

    There a 500 carries the trace's header and the handler of `Exception` runs inside the trace. Without `app`: every
    FastAPI and Starlette application of the process. Twice is once. Options are those of `TrailmarkMiddleware`.
    """
    if app is not None:
        return _instrument_one(app, options)
    if not _undo:
        middleware = TrailmarkMiddleware(_nothing, **options)
        names = WeakKeyDictionary[Starlette, Names]()
        _undo.append(patch(Starlette, "__call__", functools.partial(_outermost, middleware=middleware, names=names)))
    return _uninstrument


def _uninstrument() -> None:
    while _undo:
        _undo.pop()()


def _outermost(
    inner: Callable[..., Any], middleware: TrailmarkMiddleware, names: WeakKeyDictionary[Starlette, Names]
) -> Callable[..., Any]:
    async def call(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            known = names.get(self) or names.setdefault(self, Names())
        except TypeError:  # compared by value
            known = Names()
        await middleware.around(functools.partial(inner, self), known)(scope, receive, send)

    return functools.wraps(inner)(call)


def _instrument_one(app: Any, options: Options) -> Callable[[], None]:
    if not isinstance(app, Starlette):
        raise TypeError(f"instrument takes a FastAPI or Starlette application; got {type(app).__name__}")
    TrailmarkMiddleware(_nothing, **options)  # bad options are told here
    already: Callable[[], None] | None = getattr(app.build_middleware_stack, "_trailmark_undo", None)
    if already is not None:
        return already

    def undo() -> None:
        unpatch()
        app.middleware_stack = None

    def outermost(build: Callable[[], Any]) -> Callable[[], Any]:
        def traced() -> Any:
            return TrailmarkMiddleware(build(), **options)

        vars(traced)["_trailmark_undo"] = undo
        return traced

    unpatch = patch(app, "build_middleware_stack", outermost)
    app.middleware_stack = None  # built anew with the next request
    return undo


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None: ...
