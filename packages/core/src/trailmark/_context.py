"""The current span: one ContextVar, set and put back by value. No token is held, so no token can be foreign."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trailmark._span import Span

__all__ = ["current", "enter", "is_suppressed", "leave", "suppress", "use_span"]

_current: ContextVar[Span | None] = ContextVar("trailmark_current_span", default=None)

_suppressed: ContextVar[bool] = ContextVar("trailmark_suppressed", default=False)

is_suppressed = _suppressed.get
current = _current.get
enter = _current.set


def leave(span: Span, before: Span | None) -> None:
    """Put `before` back if `span` is still current here: a finaliser may run in somebody else's context."""
    if _current.get() is span:
        _current.set(before)


@contextmanager
def use_span(span: Span | None) -> Iterator[None]:
    """The span is current inside the block; None leaves things as they are."""
    if span is None:
        yield
        return
    before = _current.get()
    _current.set(span)
    try:
        yield
    finally:
        leave(span, before)


@contextmanager
def suppress() -> Iterator[None]:
    """No trace starts inside the block: the sender's own requests are not the program's."""
    before = _suppressed.get()
    _suppressed.set(True)
    try:
        yield
    finally:
        _suppressed.set(before)
