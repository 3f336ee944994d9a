"""Two handlers on LlamaIndex's root dispatcher; nothing is patched."""

from __future__ import annotations

from collections.abc import Callable

from llama_index_instrumentation import get_dispatcher

from trailmark_llama_index._handlers import Events, Spans
from trailmark_llama_index._runs import watch

__all__ = ["instrument"]

_undo: list[Callable[[], None]] = []


def instrument() -> Callable[[], None]:
    """Record everything LlamaIndex does in this process; returns a function that undoes it. Twice is once."""
    if not _undo:
        watch()
        root, spans, events = get_dispatcher(), Spans(), Events()
        root.add_span_handler(spans)
        root.add_event_handler(events)
        _undo.append(lambda: root.span_handlers.remove(spans) if spans in root.span_handlers else None)
        _undo.append(lambda: root.event_handlers.remove(events) if events in root.event_handlers else None)
    return _uninstrument


def _uninstrument() -> None:
    while _undo:
        _undo.pop()()
