"""What stands in for the client's own methods: one call around `request`, and a look at each attempt.

Sync and async are mirrors of each other; everything else is shared.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import openai
from trailmark.instrumentation import guard, stands_for

from trailmark_openai._asked import asking_for_usage
from trailmark_openai._call import Call, current_call, start_call

__all__ = ["hooks_for"]


def hooks_for(cls: type[Any], stream_usage: bool | None) -> list[tuple[str, Callable[[Any], Any]]]:
    """`request`, and where each attempt is seen: in one place since openai 2.33, in three before."""
    is_async = issubclass(cls, openai.AsyncOpenAI)
    request = ("request", functools.partial(_async_request if is_async else _request, stream_usage))
    if hasattr(cls, "_send_request"):
        return [request, ("_send_request", _async_send if is_async else _send)]
    return [
        request,
        ("_process_response", _process),
        ("_make_status_error_from_response", _refused),
        ("_sleep_for_retry" if hasattr(cls, "_sleep_for_retry") else "_retry_request", _retried),
    ]


def _request(stream_usage: bool | None, inner: Callable[..., Any]) -> Callable[..., Any]:
    @stands_for(inner)
    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = start_call(self, args[1] if len(args) > 1 else kwargs.get("options"))
        if call is None:
            return inner(self, *args, **kwargs)
        if stream_usage is not False and kwargs.get("stream"):
            args = _asking(call, self, args, kwargs, anywhere=stream_usage is True)
        with call:
            result = inner(self, *args, **kwargs)
        call.answered(result)
        return result

    return request


def _async_request(stream_usage: bool | None, inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @stands_for(inner)
    async def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = start_call(self, args[1] if len(args) > 1 else kwargs.get("options"))
        if call is None:
            return await inner(self, *args, **kwargs)
        if stream_usage is not False and kwargs.get("stream"):
            args = _asking(call, self, args, kwargs, anywhere=stream_usage is True)
        with call:
            result = await inner(self, *args, **kwargs)
        call.answered(result)
        return result

    return request


def _asking(
    call: Call, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, anywhere: bool
) -> tuple[Any, ...]:
    """The arguments with a request that asks for usage, where that is right."""
    with guard("asking for the usage of a stream"):
        asking = asking_for_usage(client, call.options, kwargs.get("stream_cls"), anywhere=anywhere)
        if asking is not None:
            call.options, call.asks_usage, call.hides_usage = asking, True, True
            if len(args) > 1:
                return (args[0], asking, *args[2:])
            kwargs["options"] = asking
    return args


def _send(inner: Callable[..., Any]) -> Callable[..., Any]:
    @stands_for(inner)
    def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = current_call()
        if call is None:
            return inner(self, *args, **kwargs)
        with call.attempt():
            call.attempted(response := inner(self, *args, **kwargs))
        return response

    return send


def _async_send(inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @stands_for(inner)
    async def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = current_call()
        if call is None:
            return await inner(self, *args, **kwargs)
        with call.attempt():
            call.attempted(response := await inner(self, *args, **kwargs))
        return response

    return send


def _process(inner: Callable[..., Any]) -> Callable[..., Any]:
    @stands_for(inner)
    def process(self: Any, *args: Any, **kwargs: Any) -> Any:  # of async clients too: it returns their coroutine
        call = current_call()
        if call is not None and kwargs.get("response") is not None:
            call.ended_attempt(kwargs["response"])
        return inner(self, *args, **kwargs)

    return process


def _refused(inner: Callable[..., Any]) -> Callable[..., Any]:
    @stands_for(inner)
    def refused(self: Any, response: Any) -> Any:
        call = current_call()
        if call is not None:
            call.ended_attempt(response)
        return inner(self, response)

    return refused


def _retried(inner: Callable[..., Any]) -> Callable[..., Any]:
    @stands_for(inner)
    def retried(self: Any, *args: Any, **kwargs: Any) -> Any:  # of async clients too: it returns their coroutine
        call = current_call()
        if call is not None:
            error = sys.exc_info()[1]
            call.ended_attempt(kwargs.get("response") or getattr(error, "response", None), error)
        return inner(self, *args, **kwargs)

    return retried
