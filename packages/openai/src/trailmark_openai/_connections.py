"""Where connections are opened: `connect` of a resource, when the client makes the resource. The SDK loads them late.

The resource is swapped to a subclass whose `connect` gives a manager that watches the socket it opens; the socket to a
subclass that shows us what it sends and receives. Messages are not changed.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from trailmark.instrumentation import Span, guard, is_tracing_active, original, stands_for, start_span

from trailmark_openai._routes import provider_of
from trailmark_openai._watch import Watch

__all__ = ["accessors", "for_all", "unwatch_resources", "watch_resources"]

_ABOVE: Final = ("realtime", "responses", "live", "beta")  # of the client: those with connections in or below them
_BELOW: Final = ("translations", "sideband", "forks", "responses", "realtime")

_everywhere: list[bool] = []  # not empty: every client of the process


def for_all() -> Callable[[], None]:
    """Watch the connections of clients that are not tracked themselves, too; the result undoes it."""
    _everywhere.append(True)
    return _everywhere.clear


def accessors(cls: type[Any], names: tuple[str, ...] = _ABOVE) -> list[tuple[str, Callable[[Any], Any]]]:
    """The attributes that make the resources, and how each is to be made instead."""
    return [(name, _watching) for name in names if isinstance(original(getattr(cls, name, None)), cached_property)]


def watch_resources(owner: Any, names: tuple[str, ...] = _ABOVE) -> None:
    """Watch the resources that are there already."""
    for name in names:
        if name in vars(owner):
            _watch_resource(vars(owner)[name])


def unwatch_resources(owner: Any, names: tuple[str, ...] = _ABOVE) -> None:
    """Give them their own classes back."""
    for name in names:
        resource = vars(owner).get(name)
        if (bare := vars(type(resource)).get("_trailmark_bare")) is not None:
            resource.__class__ = bare
            unwatch_resources(resource, _BELOW)


def _watching(inner: Any) -> Any:
    """As `inner`, and what it makes is watched. Made once for each client, then found without us."""
    inner = original(inner)

    def make(self: Any) -> Any:
        resource = inner.func(self)
        with guard("watching connections"):
            _watch_resource(resource)
        return resource

    made = cached_property(functools.wraps(inner.func)(make))
    made.attrname = inner.attrname
    made._trailmark_original = inner  # type: ignore[attr-defined]  # as functions of ours have it
    return made


def _watch_resource(resource: Any) -> None:
    cls: Any = type(resource)
    if "_trailmark_bare" not in vars(cls):
        resource.__class__ = _tracked_resource(cls)
        watch_resources(resource, _BELOW)


@functools.cache
def _tracked_resource(cls: Any) -> Any:
    members: dict[str, Any] = {name: make(getattr(cls, name)) for name, make in accessors(cls, _BELOW)}
    manager = getattr(sys.modules[cls.__module__], f"{cls.__name__}ConnectionManager", None)
    if manager is not None:
        members["connect"] = _connecting(cls.connect, _tracked_manager(manager, _name(cls.__module__)))
    place = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    return type(cls.__name__, (cls,), {**place, **members, "_trailmark_bare": cls})


def _name(module: str) -> str:
    """openai.resources.live.sideband → openai.live.sideband; a response over a connection is a span of its own."""
    path = [part for part in module.split(".")[2:] if part != "beta"]
    name = ".".join(["openai", *dict.fromkeys(path)])
    return f"{name}.connection" if name == "openai.responses" else name


def _connecting(connect: Any, tracked: Any) -> Any:
    @stands_for(connect)
    def connecting(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = connect(self, *args, **kwargs)
        if _everywhere or hasattr(type(self._client), "_trailmark_bare"):
            made.__class__ = tracked
        return made

    return connecting


@functools.cache
def _tracked_manager(manager: Any, name: str) -> Any:
    """Watches the socket where it is opened; where that is no method of its own, the finished connection's."""
    enters = ("_connect_ws",) if hasattr(manager, "_connect_ws") else ("__enter__", "__aenter__", "enter")
    members = {each: _entering(getattr(manager, each), name) for each in enters if hasattr(manager, each)}
    return type(manager.__name__, (manager,), {"__module__": manager.__module__, **members})


def _entering(inner: Any, name: str) -> Any:
    @stands_for(inner)
    def enter(self: Any, *args: Any, **kwargs: Any) -> Any:
        span = _opened(self, name)
        try:
            made = inner(self, *args, **kwargs)
        except BaseException as error:
            _refused(span, error)
            raise
        return _watched(made, span)

    @stands_for(inner)
    async def async_enter(self: Any, *args: Any, **kwargs: Any) -> Any:
        span = _opened(self, name)
        try:
            made = await inner(self, *args, **kwargs)
        except BaseException as error:
            _refused(span, error)
            raise
        return _watched(made, span)

    return async_enter if inspect.iscoroutinefunction(inner) else enter


def _opened(manager: Any, name: str) -> Span | None:
    if not is_tracing_active():
        return None
    with guard("starting the span of a connection"):
        own = {key.rpartition("__")[2]: value for key, value in vars(manager).items()}
        model = own["model"] if isinstance(own.get("model"), str) else None
        return start_span(name, provider=provider_of(own["client"]), model=model)
    return None


def _refused(span: Span | None, error: BaseException) -> None:
    if span is not None:
        span.fail(error)
        span.end()


def _watched(made: Any, span: Span | None) -> Any:
    if span is not None:
        with guard("watching a connection"):
            socket = made if hasattr(made, "recv") and not hasattr(made, "_connection") else made._connection
            cls: Any = type(socket)
            socket.__class__ = _seen(cls)
            socket._trailmark_watch = Watch(span)
    return made


@functools.cache
def _seen(cls: Any) -> Any:
    """The socket's class, with a look at what passes. Sync and async ones are told apart by their `recv`."""
    members = _async_members(cls) if inspect.iscoroutinefunction(cls.recv) else _sync_members(cls)
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, **members})


def _sync_members(cls: Any) -> dict[str, Any]:
    def recv(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            message = cls.recv(self, *args, **kwargs)
        except Exception as error:
            self._trailmark_watch.broke(error)
            raise
        self._trailmark_watch.received(message)
        return message

    def send(self: Any, message: Any, *args: Any, **kwargs: Any) -> Any:
        self._trailmark_watch.sent(message)
        return cls.send(self, message, *args, **kwargs)

    def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return cls.close(self, *args, **kwargs)
        finally:
            self._trailmark_watch.ended()

    return {"recv": recv, "send": send, "close": close}


def _async_members(cls: Any) -> dict[str, Any]:
    async def recv(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            message = await cls.recv(self, *args, **kwargs)
        except Exception as error:
            self._trailmark_watch.broke(error)
            raise
        self._trailmark_watch.received(message)
        return message

    async def send(self: Any, message: Any, *args: Any, **kwargs: Any) -> Any:
        self._trailmark_watch.sent(message)
        return await cls.send(self, message, *args, **kwargs)

    async def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await cls.close(self, *args, **kwargs)
        finally:
            self._trailmark_watch.ended()

    return {"recv": recv, "send": send, "close": close}
