"""Where we attach: `request` on a subclass that the client is swapped to, and the bytes of the response.

Every surface of the SDK, present and future, goes through `request`: one logical call, retries folded in, with the path
and body in canonical form. `_send_request` sees each attempt. The user's objects are never wrapped or read.
"""

from __future__ import annotations

import copyreg
import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import openai
from trailmark.instrumentation import guard, original, patch

from trailmark_openai._connections import accessors, for_all, unwatch_resources, watch_resources
from trailmark_openai._wrappers import hooks_for

__all__ = ["instrument", "track_openai", "untrack_openai"]

C = TypeVar("C", bound="openai.OpenAI | openai.AsyncOpenAI")

_undo: list[Callable[[], None]] = []


def track_openai(client: C, *, stream_usage: bool | None = None) -> C:
    """Record every call of this client, and of its copies; returns the same object. Twice is once.

    `stream_usage`: whether a stream is asked for its usage where the caller did not, the extra chunk kept from the
    caller's loop. None does it on OpenAI's and Azure's own hosts, True anywhere, False nowhere.
    Raises TypeError for anything but an OpenAI or AsyncOpenAI client (their Azure twins are such).
    """
    _check("track_openai", client)
    with guard("tracking an OpenAI client"):
        client.__class__ = _tracked_class(_bare_class(client), stream_usage)
        watch_resources(client)
    return client


def untrack_openai(client: C) -> C:
    """Give the client its own class back: nothing of it is recorded from the next call on. Returns the same object.

    Copies made before stay tracked. Raises TypeError for what `track_openai` would refuse.
    """
    _check("untrack_openai", client)
    client.__class__ = _bare_class(client)
    unwatch_resources(client)
    return client


def instrument(*, stream_usage: bool | None = None) -> Callable[[], None]:
    """Record every call of every OpenAI client in the process; returns a function that undoes it. Twice is once.

    `stream_usage` is that of `track_openai`.
    """
    if not _undo:
        for owner in (openai.OpenAI, openai.AsyncOpenAI):
            _undo.extend(patch(owner, name, hook) for name, hook in hooks_for(owner, stream_usage))
            _undo.extend(patch(owner, name, make) for name, make in accessors(owner))
        _undo.append(for_all())
    return _uninstrument


def _uninstrument() -> None:
    while _undo:
        _undo.pop()()


def _check(name: str, client: Any) -> None:
    if not isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)):
        kind = type(client).__name__
        raise TypeError(f"{name} takes an OpenAI or AsyncOpenAI client, or a subclass of one; got {kind}")


def _bare_class(client: Any) -> Any:
    cls = type(client)
    return vars(cls).get("_trailmark_bare", cls)


@functools.cache
def _tracked_class(cls: Any, stream_usage: bool | None) -> Any:
    """A subclass with the same name that records; copies of the client are made of it too."""
    hooks: dict[str, Any] = {name: hook(original(getattr(cls, name))) for name, hook in hooks_for(cls, stream_usage)}
    hooks |= {name: make(getattr(cls, name)) for name, make in accessors(cls)}
    place = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    meta: Any = type(cls)
    return _kind_for(meta)(cls.__name__, (cls,), {**place, **hooks, "_trailmark_bare": cls})


@functools.cache
def _kind_for(meta: Any) -> Any:
    """A metaclass of its own: pickle then asks how to write the class, which goes by another's name, and gets that."""
    kind = type(meta.__name__, (meta,), {})
    copyreg.pickle(kind, _as_bare)
    return kind


def _as_bare(cls: Any) -> tuple[Any, ...]:
    return operator.getitem, ((cls._trailmark_bare,), 0)
