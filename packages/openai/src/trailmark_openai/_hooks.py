"""Where we attach: `request` on a subclass that the client is swapped to, and the bytes of the response.

Every surface of the SDK, present and future, goes through `request`: one logical call, retries folded in, with the path
and body in canonical form. `_send_request` sees each attempt. The user's objects are never wrapped or read.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import openai
from trailmark.instrumentation import guard, patch

from trailmark_openai._call import current_call, start_call

__all__ = ["instrument", "track_openai"]

C = TypeVar("C", bound="openai.OpenAI | openai.AsyncOpenAI")

_undo: list[Callable[[], None]] = []


def track_openai(client: C) -> C:
    """Record every call of this client, and of its copies; returns the same object. Twice is once.

    Raises TypeError for anything but an OpenAI or AsyncOpenAI client (their Azure twins are such).
    """
    if not isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)):
        kind = type(client).__name__
        raise TypeError(f"track_openai takes an OpenAI or AsyncOpenAI client, or a subclass of one; got {kind}")
    with guard("tracking an OpenAI client"):
        cls: Any = type(client)
        if not hasattr(cls, "_trailmark_tracked"):
            client.__class__ = _tracked_class(cls)
    return client


def instrument() -> Callable[[], None]:
    """Record every call of every OpenAI client in the process; returns a function that undoes it. Twice is once."""
    if not _undo:
        for owner in (openai.OpenAI, openai.AsyncOpenAI):
            _undo.extend(patch(owner, name, hook) for name, hook in _hooks_for(owner))
    return _uninstrument


def _uninstrument() -> None:
    while _undo:
        _undo.pop()()


@functools.cache
def _tracked_class(cls: type[Any]) -> type[Any]:
    """A subclass with the same name that records; copies of the client are made of it too."""
    hooks = {name: hook(_original(getattr(cls, name))) for name, hook in _hooks_for(cls)}
    place = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    return type(cls.__name__, (cls,), {**place, **hooks, "_trailmark_tracked": True})


def _original(method: Any) -> Any:
    """Below what `instrument` may have put there, so that nothing is seen twice."""
    return getattr(method, "_trailmark_original", method)


def _hooks_for(cls: type[Any]) -> list[tuple[str, Callable[[Any], Any]]]:
    """`request`, and where each attempt is seen: in one place since openai 2.33, in three before."""
    is_async = issubclass(cls, openai.AsyncOpenAI)
    request = ("request", _async_request if is_async else _request)
    if hasattr(cls, "_send_request"):
        return [request, ("_send_request", _async_send if is_async else _send)]
    return [
        request,
        ("_process_response", _process),
        ("_make_status_error_from_response", _refused),
        ("_sleep_for_retry", _retried),
    ]


def _request(inner: Callable[..., Any]) -> Callable[..., Any]:
    @_stands_for(inner)
    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = start_call(self, args[1] if len(args) > 1 else kwargs.get("options"))
        if call is None:
            return inner(self, *args, **kwargs)
        with call:
            result = inner(self, *args, **kwargs)
        call.answered()
        return result

    return request


def _async_request(inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @_stands_for(inner)
    async def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = start_call(self, args[1] if len(args) > 1 else kwargs.get("options"))
        if call is None:
            return await inner(self, *args, **kwargs)
        with call:
            result = await inner(self, *args, **kwargs)
        call.answered()
        return result

    return request


def _send(inner: Callable[..., Any]) -> Callable[..., Any]:
    @_stands_for(inner)
    def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = current_call()
        if call is None:
            return inner(self, *args, **kwargs)
        with call.attempt():
            call.attempted(response := inner(self, *args, **kwargs))
        return response

    return send


def _async_send(inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @_stands_for(inner)
    async def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = current_call()
        if call is None:
            return await inner(self, *args, **kwargs)
        with call.attempt():
            call.attempted(response := await inner(self, *args, **kwargs))
        return response

    return send


def _process(inner: Callable[..., Any]) -> Callable[..., Any]:
    @_stands_for(inner)
    def process(self: Any, *args: Any, **kwargs: Any) -> Any:  # of async clients too: it returns their coroutine
        call = current_call()
        if call is not None and kwargs.get("response") is not None:
            call.ended_attempt(kwargs["response"])
        return inner(self, *args, **kwargs)

    return process


def _refused(inner: Callable[..., Any]) -> Callable[..., Any]:
    @_stands_for(inner)
    def refused(self: Any, response: Any) -> Any:
        call = current_call()
        if call is not None:
            call.ended_attempt(response)
        return inner(self, response)

    return refused


def _retried(inner: Callable[..., Any]) -> Callable[..., Any]:
    @_stands_for(inner)
    def retried(self: Any, *args: Any, **kwargs: Any) -> Any:  # of async clients too: it returns their coroutine
        call = current_call()
        if call is not None:
            call.ended_attempt(kwargs.get("response"), sys.exc_info()[1])
        return inner(self, *args, **kwargs)

    return retried


def _stands_for(inner: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mark(wrapper: Callable[..., Any]) -> Callable[..., Any]:
        functools.update_wrapper(wrapper, inner)
        vars(wrapper)["_trailmark_original"] = _original(inner)
        return wrapper

    return mark
