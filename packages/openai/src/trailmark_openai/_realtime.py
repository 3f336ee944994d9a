"""Realtime: a span for the connection, and under it one for each response, read off the messages as they pass.

Where the SDK opens its socket (`_connect_ws` of the connection's manager) the socket is swapped to a subclass of its
class that shows us what it sends and receives. Messages are neither changed nor, for the many with sound, parsed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final

from trailmark.instrumentation import Span, guard, is_tracing_active, start_span
from trailmark.wire import loads

from trailmark_openai._errors import failure_in
from trailmark_openai._media import without_media
from trailmark_openai._routes import provider_of
from trailmark_openai._usage import usage_parts
from trailmark_openai._wrappers import original, stands_for

__all__ = ["managers", "tracked_resource", "watching"]

_TYPE: Final = re.compile(r'"type"\s*:\s*"((?:[a-z_]+\.)+[a-z_]+|error)"')
_HEAD: Final = 512
_MAX_ITEMS: Final = 200
_READ: Final = ("session.update", "conversation.item.create", "response.create")
_TOLD: Final = ("response.created", "response.done", "error", "conversation.item.input_audio_transcription.completed")


def managers() -> list[Any]:
    """The classes that open a realtime connection in this version of openai; those whose socket can be seen."""
    try:
        from openai.resources.realtime.realtime import AsyncRealtimeConnectionManager, RealtimeConnectionManager
    except ImportError:
        return []
    return [
        kind for kind in (RealtimeConnectionManager, AsyncRealtimeConnectionManager) if hasattr(kind, "_connect_ws")
    ]


def watching(inner: Callable[..., Any], *, is_async: bool) -> Callable[..., Any]:
    """`_connect_ws` that watches the socket it opens."""

    @stands_for(inner)
    def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        span = _opened(self)
        try:
            socket = inner(self, *args, **kwargs)
        except BaseException as error:
            _refused(span, error)
            raise
        return _watched(socket, span)

    @stands_for(inner)
    async def async_connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        span = _opened(self)
        try:
            socket = await inner(self, *args, **kwargs)
        except BaseException as error:
            _refused(span, error)
            raise
        return _watched(socket, span)

    return async_connect if is_async else connect


@functools.cache
def tracked_resource(cls: Any, manager: Any) -> Any:
    """The class of `client.realtime`, whose `connect` gives a manager that watches."""
    is_async = manager.__name__.startswith("Async")
    connect_ws = watching(original(manager._connect_ws), is_async=is_async)
    tracked = type(manager.__name__, (manager,), {"__module__": manager.__module__, "_connect_ws": connect_ws})

    @stands_for(cls.connect)
    def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = cls.connect(self, *args, **kwargs)
        if hasattr(type(self._client), "_trailmark_bare"):  # tracked still
            made.__class__ = tracked
        return made

    return type(cls.__name__, (cls,), {"__module__": cls.__module__, "connect": connect, "_trailmark": True})


def _opened(manager: Any) -> Span | None:
    if not is_tracing_active():
        return None
    with guard("starting a realtime span"):
        own = {key.rpartition("__")[2]: value for key, value in vars(manager).items()}
        model = own["model"] if isinstance(own.get("model"), str) else None
        return start_span("openai.realtime", provider=provider_of(own["client"]), model=model)
    return None


def _refused(span: Span | None, error: BaseException) -> None:
    if span is not None:
        span.fail(error)
        span.end()


def _watched(socket: Any, span: Span | None) -> Any:
    if span is not None:
        with guard("watching a realtime connection"):
            cls: Any = type(socket)
            socket.__class__ = _seen(cls)
            socket._trailmark_watch = _Watch(span)
    return socket


@functools.cache
def _seen(cls: Any) -> Any:
    """The socket's class, with a look at what passes. Sync and async ones are told apart by their `recv`."""
    import inspect

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


class _Watch:
    """What is known of one connection: its span, its open responses, and what was said since the last one."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._open: dict[str, Span] = {}
        self._given: list[Any] = []
        self._sound = 0  # bytes heard
        self._asked: Any = None

    def __del__(self) -> None:
        self.ended("cancelled")

    def sent(self, message: Any) -> None:
        with guard("reading a realtime message"):
            kind = _kind(message)
            if kind == "input_audio_buffer.append":
                self._sound += len(message) * 3 // 4
            elif kind in _READ:
                self._note(kind, loads(message))

    def received(self, message: Any) -> None:
        with guard("reading a realtime message"):
            kind = _kind(message)
            if kind in _TOLD:
                self._told(kind, loads(message))
            elif kind.endswith(".delta"):
                for span in self._open.values():
                    span.mark_first_token()

    def broke(self, error: BaseException) -> None:
        """`recv` raised: the other side closed, or the connection is lost."""
        name = type(error).__name__
        if name == "ConnectionClosedOK":
            self.ended()
        elif name.startswith("ConnectionClosed"):
            with guard("ending a realtime span"):
                self._span.fail(error)
            self.ended()

    def ended(self, status: Any = None) -> None:
        """Only the first time counts."""
        for span in self._open.values():
            span.end("cancelled")
        self._open.clear()
        self._span.end(status)

    def _note(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "session.update":
            self._span.update(input=without_media(event.get("session"), None))
        elif kind == "response.create":
            self._asked = event.get("response")
        else:
            self._given.append(without_media(event.get("item"), None))
            del self._given[:-_MAX_ITEMS]

    def _told(self, kind: str, event: dict[str, Any]) -> None:
        response = event.get("response") or {}
        if kind == "response.created":
            self._begin(response)
        elif kind == "response.done":
            self._finish(response)
        elif kind == "error":
            self._span.update(metadata={"error": event.get("error")})
        else:
            self._given.append({"transcript": event.get("transcript"), "item_id": event.get("item_id")})

    def _begin(self, response: dict[str, Any]) -> None:
        heard = {"items": self._given, "audio_bytes": self._sound, "response": self._asked}
        given = {key: value for key, value in heard.items() if value}
        self._given, self._sound, self._asked = [], 0, None
        span = start_span("openai.realtime.response", type="llm", parent=self._span, input=given)
        if span is not None:
            self._open[response.get("id", "")] = span

    def _finish(self, response: dict[str, Any]) -> None:
        span = self._open.pop(response.get("id", ""), None)
        if span is None:
            return
        usage, status = response.get("usage"), response.get("status")
        if isinstance(usage, dict):
            span.update(usage=usage_parts(usage), usage_raw=usage)
        facts = {"response_id": response.get("id"), "status": status, "details": response.get("status_details")}
        span.update(output=without_media(response.get("output"), None), metadata={k: v for k, v in facts.items() if v})
        if status == "failed":
            span.fail(failure_in((response.get("status_details") or {}).get("error") or "the response failed"))
        span.end("cancelled" if status == "cancelled" else None)


def _kind(message: Any) -> str:
    """The event's type, from its beginning; where it does not stand there the event is parsed."""
    head = message[:_HEAD]
    found = _TYPE.search(head.decode(errors="replace") if isinstance(head, bytes) else head)
    if found is not None:
        return found[1]
    event = loads(message) if len(message) > _HEAD else {}
    kind = event.get("type") if isinstance(event, dict) else None
    return kind if isinstance(kind, str) else ""
