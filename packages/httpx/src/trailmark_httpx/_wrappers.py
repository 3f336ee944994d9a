"""What stands in for a client's own methods: an exchange around `send`, and a look at each hop.

Sync and async are mirrors of each other; everything else is shared.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from trailmark.instrumentation import stands_for

from trailmark_httpx._exchange import current_exchange, start_exchange
from trailmark_httpx._hops import Hop
from trailmark_httpx._settings import Settings

__all__ = ["hooks_for"]


def hooks_for(cls: Any, settings: Settings) -> list[tuple[str, Callable[[Any], Any]]]:
    """`send`, and where each hop goes through."""
    is_async = hasattr(cls, "aclose")
    send = ("send", functools.partial(_async_send if is_async else _send, settings))
    if not hasattr(cls, "_send_single_request"):  # not so yet: spans without headers are better than none
        return [send]
    return [send, ("_send_single_request", _async_hop if is_async else _hop)]


def _send(settings: Settings, inner: Callable[..., Any]) -> Callable[..., Any]:
    @stands_for(inner)
    def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = start_exchange(self, args[0] if args else kwargs.get("request"), settings)
        if exchange is None:
            return inner(self, *args, **kwargs)
        with exchange:
            response = inner(self, *args, **kwargs)
        exchange.answered(response)
        return response

    return send


def _async_send(settings: Settings, inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @stands_for(inner)
    async def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = start_exchange(self, args[0] if args else kwargs.get("request"), settings)
        if exchange is None:
            return await inner(self, *args, **kwargs)
        with exchange:
            response = await inner(self, *args, **kwargs)
        exchange.answered(response)
        return response

    return send


def _hop(inner: Callable[..., Any]) -> Callable[..., Any]:
    @stands_for(inner)
    def hop(self: Any, request: Any, *args: Any) -> Any:
        exchange = current_exchange()
        if exchange is None or exchange.client is not self:
            return inner(self, request, *args)
        with Hop(exchange, request, is_async=False) as one:
            response = one.response = inner(self, request, *args)
        return response

    return hop


def _async_hop(inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @stands_for(inner)
    async def hop(self: Any, request: Any, *args: Any) -> Any:
        exchange = current_exchange()
        if exchange is None or exchange.client is not self:
            return await inner(self, request, *args)
        with Hop(exchange, request, is_async=True) as one:
            response = one.response = await inner(self, request, *args)
        return response

    return hop
