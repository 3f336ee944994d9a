"""The open calls of LlamaIndex, by its span ids; where the code runs is asked of LlamaIndex, nothing is pushed."""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from llama_index_instrumentation.dispatcher import active_span_id  # type: ignore[attr-defined]
from trailmark.instrumentation import (
    Span,
    register_claim_provider,
    register_current_span_provider,
    use_span,
)

__all__ = ["Run", "close", "find", "fold", "inside", "open_run", "watch"]


@dataclass(slots=True, eq=False)
class Run:
    """A call and its span. `is_streaming`: it returned, what it returned is read later; `is_read`: it has been."""

    id: str
    span: Span
    instance_id: int
    is_model: bool
    is_streaming: bool = False
    is_read: bool = False
    was_cancelled: bool = False
    stream: weakref.ref[Any] | None = None
    answer: Any = None
    pieces: list[str] = field(default_factory=list)


_KEEP_OPEN: Final = 10_000  # calls whose end is never told: the oldest are given up
_open: OrderedDict[str, Run] = OrderedDict()
_folded: OrderedDict[str, Run] = OrderedDict()  # inner halves of a call, that are no spans
_models: dict[str, Run] = {}
_watching = False


def open_run(run: Run) -> None:
    """From now on it is current where LlamaIndex says so."""
    _open[run.id] = run
    if run.is_model:
        _models[run.id] = run
    if len(_open) > _KEEP_OPEN:
        oldest, given_up = _open.popitem(last=False)
        _models.pop(oldest, None)
        given_up.span.end("cancelled")


def fold(span_id: str, into: Run) -> None:
    """A call that is part of another one."""
    _folded[span_id] = into
    if len(_folded) > _KEEP_OPEN:
        _folded.popitem(last=False)


def find(span_id: str | None) -> Run | None:
    """The open call of that id, or the one it is part of."""
    return (_open.get(span_id) or _folded.get(span_id)) if span_id is not None else None


def close(span_id: str) -> Run | None:
    """The call, no longer open; None for one that is part of another."""
    _folded.pop(span_id, None)
    _models.pop(span_id, None)
    return _open.pop(span_id, None)


@contextmanager
def inside(run: Run) -> Iterator[None]:
    """Here the code runs for that call, for us and for LlamaIndex."""
    before = active_span_id.set(run.id)
    try:
        with use_span(run.span):
            yield
    finally:
        active_span_id.reset(before)


def watch() -> None:
    """Let the core ask LlamaIndex for the current call; once."""
    global _watching  # noqa: PLW0603 - once a process
    if not _watching:
        _watching = True
        register_current_span_provider(_current)
        register_claim_provider(_claimable)


def _current() -> Span | None:
    run = find(active_span_id.get()) if _open else None
    return run.span if run is not None else None


def _claimable() -> Span | None:
    """A streaming model asks its provider when it is read: the one whose generator this code runs in."""
    for run in list(_models.values()):
        if run.stream is not None and run.span.claim == "open" and _runs_in(run.stream()):
            return run.span
    return None


def _runs_in(stream: Any) -> bool:
    wanted = getattr(stream, "gi_frame", None) or getattr(stream, "ag_frame", None)
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame is not wanted:
        frame = frame.f_back
    return frame is not None
