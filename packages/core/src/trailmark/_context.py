"""The current span: one ContextVar, set and put back by value. No token is held, so no token can be foreign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from trailmark._span import Span

__all__ = [
    "Remote",
    "attached",
    "continue_from",
    "current",
    "enter",
    "entered",
    "is_suppressed",
    "leave",
    "register_current_span_provider",
    "suppress",
    "use_span",
]


@dataclass(frozen=True, slots=True)
class Remote:
    """A span of another process, as its headers tell: the next root span here continues it."""

    trace_id: str
    id: str | None  # None: somebody else's trace, whose spans are not ours to show
    state: tuple[str, ...] = ()  # other vendors' tracestate members, passed on


Provider: TypeAlias = "Callable[[], Span | None]"

_current: ContextVar[Span | None] = ContextVar("trailmark_current_span", default=None)

_suppressed: ContextVar[bool] = ContextVar("trailmark_suppressed", default=False)

_remote: ContextVar[Remote | None] = ContextVar("trailmark_remote", default=None)

_providers: tuple[Provider, ...] = ()

is_suppressed = _suppressed.get
attached = _remote.get
enter = _current.set
entered = _current.get  # to put back what was there; a framework's own current span is not ours to put anywhere


def current() -> Span | None:
    """The innermost span this code runs in: our own, or a framework's, whichever started later."""
    span = _current.get()
    for provider in _providers:
        other = provider()
        if other is not None and not other.is_ended and (span is None or span.is_ended or other.serial > span.serial):
            span = other
    return span


def register_current_span_provider(provider: Provider) -> Callable[[], None]:
    """Ask `provider` too, at every look for the current span: for frameworks with a current run of their own.

    It must be quick and must not raise; it answers a live span or None. Returns its removal.
    """
    global _providers  # noqa: PLW0603 - replaced whole, read without a lock
    _providers = (*_providers, provider)

    def remove() -> None:
        global _providers  # noqa: PLW0603
        _providers = tuple(other for other in _providers if other is not provider)

    return remove


def leave(span: Span | None, before: Span | None) -> None:
    """Put `before` back if `span` is still current here: a finaliser may run in somebody else's context."""
    if _current.get() is span:
        _current.set(before)


def use_span(span: Span | None) -> AbstractContextManager[None]:
    """The span is current inside the block; None leaves things as they are."""
    return _Use(span)


class _Use:
    __slots__ = ("_before", "_span")

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def __enter__(self) -> None:
        if self._span is not None:
            self._before = _current.get()
            _current.set(self._span)

    def __exit__(self, *_: object) -> None:
        if self._span is not None:
            leave(self._span, self._before)


@contextmanager
def continue_from(remote: Remote | None) -> Iterator[None]:
    """Spans inside the block continue the remote one, whatever is current outside; None leaves things as they are."""
    if remote is None:
        yield
        return
    span, before = _current.get(), _remote.get()
    _current.set(None)
    _remote.set(remote)
    try:
        yield
    finally:
        _current.set(span)
        _remote.set(before)


@contextmanager
def suppress() -> Iterator[None]:
    """No trace starts inside the block: the sender's own requests are not the program's."""
    before = _suppressed.get()
    _suppressed.set(True)
    try:
        yield
    finally:
        _suppressed.set(before)
