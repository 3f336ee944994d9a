"""Where we attach: `send`, once for each logical request, and the one place each of its hops goes through.

`get`, `stream`, `sse` and `websocket` of both libraries all end there. httpx and httpx2 are served alike, by what they
have in common: neither is imported unless `instrument` is to reach its classes.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from trailmark.instrumentation import guard, original, patch

from trailmark_httpx._settings import Options, Settings
from trailmark_httpx._wrappers import hooks_for

if TYPE_CHECKING:
    import httpx
    import httpx2

__all__ = ["instrument", "track_httpx", "untrack_httpx"]

C = TypeVar("C", bound="httpx.Client | httpx.AsyncClient | httpx2.Client | httpx2.AsyncClient")

_LIBRARIES = ("httpx", "httpx2")

_undo: list[Callable[[], None]] = []


def track_httpx(client: C, **options: Unpack[Options]) -> C:
    """Record every request of this client, and hand the trace on to the services it calls; returns the same object.

    Options: `propagate_to` (hosts that are told of the trace, `*.example.com`; by default those of your own network),
    `exclude` (hosts that are left alone), `capture_headers` (names, of requests and answers), `roots` (whether a
    request outside of a trace makes one). Twice is once; the last options count.
    Raises TypeError for anything but a client of httpx or httpx2, TypeError or ValueError for an option not allowed.
    """
    _check("track_httpx", client)
    settings = Settings.of(options)
    with guard("tracking a client"):
        client.__class__ = _tracked_class(_bare_class(client), settings)
    return client


def untrack_httpx(client: C) -> C:
    """Give the client its own class back: nothing of it is recorded from the next request on. Returns the same object.

    Raises TypeError for what `track_httpx` would refuse.
    """
    _check("untrack_httpx", client)
    client.__class__ = _bare_class(client)
    return client


def instrument(**options: Unpack[Options]) -> Callable[[], None]:
    """As `track_httpx` for every client of httpx and httpx2 in the process; returns a function that undoes it.

    Twice is once. Where `httpx2.alias_httpx()` is used it comes first.
    """
    settings = Settings.of(options)
    if not _undo:
        for library in _libraries():
            for owner in (library.Client, library.AsyncClient):
                _undo.extend(patch(owner, name, hook) for name, hook in hooks_for(owner, settings))
    return _uninstrument


def _uninstrument() -> None:
    while _undo:
        _undo.pop()()


def _libraries() -> list[Any]:
    """Those installed, each once: under an alias both names mean the same."""
    found: list[Any] = []
    for name in _LIBRARIES:
        if name in sys.modules or importlib.util.find_spec(name) is not None:
            library = importlib.import_module(name)
            if library not in found:
                found.append(library)
    return found


def _check(name: str, client: Any) -> None:
    libraries = [sys.modules[each] for each in _LIBRARIES if each in sys.modules]
    if not any(isinstance(client, (each.Client, each.AsyncClient)) for each in libraries):
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise TypeError(f"{name} takes a Client or AsyncClient of httpx or httpx2; got {kind}")


def _bare_class(client: Any) -> Any:
    cls = type(client)
    return vars(cls).get("_trailmark_bare", cls)


@functools.cache
def _tracked_class(cls: Any, settings: Settings) -> Any:
    """A subclass with the same name that records."""
    hooks = {name: hook(original(getattr(cls, name))) for name, hook in hooks_for(cls, settings)}
    place = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    return type(cls)(cls.__name__, (cls,), {**place, **hooks, "_trailmark_bare": cls})
