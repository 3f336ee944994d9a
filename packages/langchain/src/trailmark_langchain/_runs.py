"""The runs that are open in this process, by LangChain's own ids; nothing is kept of one that ended.

Shared by all tracers: a run that several of them see, or one and the process-wide hook, is one span.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from langchain_core.runnables.config import var_child_runnable_config
from trailmark.instrumentation import Span, current, register_claim_provider, register_current_span_provider

__all__ = ["Run", "close", "find", "late", "open_run", "watch"]

_KEEP_LATE: Final = 256
_KEEP_STRAY: Final = 1000


@dataclass(slots=True, eq=False)
class Run:
    """A run and its span. `inside`: the open runs below, if this is the topmost one."""

    id: UUID
    span: Span
    parent: Span | None  # current when it started
    top: Run | None
    is_model: bool
    counts: dict[str, Any] = field(default_factory=dict)
    inside: dict[UUID, Run] = field(default_factory=dict)


_open: dict[UUID, Run] = {}
_models: dict[UUID, Run] = {}
_late: OrderedDict[UUID, Run] = OrderedDict()  # of a stream that was left: its runs may still tell their end
_stray: OrderedDict[UUID, Run] = OrderedDict()  # open below a topmost run that ended: tasks nobody waited for
_watching = False


def open_run(run: Run) -> None:
    """From now on it is current where LangChain says so."""
    _open[run.id] = run
    if run.is_model:
        _models[run.id] = run
    if run.top is not None:
        run.top.inside[run.id] = run


def find(id: UUID | None) -> Run | None:
    """The open run of that id."""
    return _open.get(id) if id is not None else None


def close(id: UUID, *, was_left: bool = False) -> Run | None:
    """The run, no longer open. What is open below a topmost one that was left is cancelled; else it works on."""
    run = _open.pop(id, None)
    if run is None:
        return None
    _models.pop(id, None)
    if run.top is not None:
        run.top.inside.pop(id, None)
    _stray.pop(id, None)
    for other in list(run.inside.values()):
        other.top = None
        _stray[other.id] = other
        if was_left:
            _cancel(other)
    while len(_stray) > _KEEP_STRAY:
        _cancel(next(iter(_stray.values())))
    while len(_late) > _KEEP_LATE:
        _late.popitem(last=False)
    return run


def _cancel(run: Run) -> None:
    for table in (_open, _models, _stray):
        table.pop(run.id, None)
    run.span.end("cancelled")
    _late[run.id] = run


def late(id: UUID) -> Run | None:
    """A run that was cancelled with its topmost one, and now tells its end."""
    return _late.pop(id, None)


def watch() -> None:
    """Let the core ask LangChain for the current run; once."""
    global _watching  # noqa: PLW0603 - once a process
    if not _watching:
        _watching = True
        register_current_span_provider(_current)
        register_claim_provider(_claimable)


def _current() -> Span | None:
    """LangChain keeps its config right wherever it runs the user's code: threads, tasks and generators."""
    config = var_child_runnable_config.get()
    if not _open or config is None:
        return None
    run = _open.get(getattr(config.get("callbacks"), "parent_run_id", None))  # type: ignore[arg-type]
    return run.span if run is not None else None


def _claimable() -> Span | None:
    """A model's body has no config of its own: of the models that run right below the current span, the oldest."""
    here = current()
    for run in list(_models.values()):
        if run.parent is here and run.span.claim == "open":
            return run.span
    return None
