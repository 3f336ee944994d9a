"""The runs that are open in this process, by LangChain's own ids; nothing is kept of one that ended.

Shared by all tracers: a run that several of them see, or one and the process-wide hook, is one span.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_core.runnables.config import var_child_runnable_config
from trailmark.instrumentation import Span, guard, register_claim_provider, register_current_span_provider

from trailmark_langchain._places import here, on_lost

__all__ = ["Run", "begins", "close", "find", "hidden", "is_open", "key_of", "late", "open_run", "run_above", "watch"]

_FALLBACKS: Final = "RunnableWithFallbacks"  # gives each the config it was itself given
_KEEP_OPEN: Final = 10_000
_KEEP_LATE: Final = 256
_KEEP_STRAY: Final = 1000


@dataclass(slots=True, eq=False)
class Run:
    """A run and its span. `inside`: the open runs below, if it is the topmost one. `place`: where in a graph it is."""

    key: int
    span: Span
    above: Run | None
    top: Run | None
    place: str | None = None
    is_graph: bool = False
    was_interrupted: bool = False
    has_fallbacks: bool = False
    is_hidden: bool = False
    counts: dict[str, Any] = field(default_factory=dict)
    inside: dict[int, Run] = field(default_factory=dict)

    @property
    def is_model(self) -> bool:
        """Whether it is a model's call."""
        return self.span.type == "llm" and not self.is_hidden

    @property
    def is_retriever(self) -> bool:
        """Whether it is a retriever's call."""
        return self.span.type == "retriever" and not self.is_hidden


_begun: dict[int, object] = {}
_open: dict[int, Run] = {}
_late: OrderedDict[int, Run] = OrderedDict()  # of a stream that was left: its runs may still tell their end
_stray: OrderedDict[int, Run] = OrderedDict()  # open below a topmost run that ended: tasks nobody waited for
_watching = False


def hidden(key: int, above: Run, place: str | None) -> Run:
    """A run that has no span of its own: what happens in it happens in the one above."""
    return Run(key, above.span, above, above.top or above, place, counts=above.counts, is_hidden=True)


def key_of(id: Any) -> int:
    """What a run is known by here: its id's number, because UUIDs are hashed in Python."""
    key: int = getattr(id, "int", id)
    return key


def begins(key: int) -> bool:
    """Whether nobody has that run yet: two tracers may be told of it at once, in two threads."""
    mark = object()
    return _begun.setdefault(key, mark) is mark


def open_run(key: int, run: Run | None) -> None:
    """From now on it is current where LangChain says so; None: it is not recorded.

    Runs whose end is never told (a process-wide exception, a loop that stopped) are given up, the oldest first.
    """
    if run is None:
        _begun.pop(key, None)
        return
    _open[key] = run
    if run.above is not None and run.span.name == _FALLBACKS:
        run.above.has_fallbacks = True
    if run.top is not None:
        run.top.inside[key] = run
    if len(_open) > _KEEP_OPEN:
        for old in list(_open.values())[: len(_open) - _KEEP_OPEN]:
            _cancel(old)


find = _open.get
is_open = _open.__contains__


def close(key: int, *, was_left: bool = False) -> Run | None:
    """The run, no longer open. What is open below a topmost one that was left is cancelled; else it works on."""
    run = _taken_out(key)
    if run is None:
        return None
    if run.inside:
        _leave(list(run.inside.values()), was_left=was_left)
    return run


def _leave(runs: list[Run], *, was_left: bool) -> None:
    for run in runs:
        run.top = None
        _stray[run.key] = run
        if was_left:
            _cancel(run)
    for run in list(_stray.values())[: max(0, len(_stray) - _KEEP_STRAY)]:
        _cancel(run)


def _taken_out(key: int) -> Run | None:
    run = _open.pop(key, None)
    _begun.pop(key, None)
    if _stray:
        _stray.pop(key, None)
    if run is not None and run.top is not None:
        run.top.inside.pop(key, None)
    return run


def _cancel(run: Run) -> None:
    if _taken_out(run.key) is not None:
        if not run.is_hidden:
            run.span.end("cancelled")
        _late[run.key] = run
        while len(_late) > _KEEP_LATE:
            _late.popitem(last=False)


def late(key: int) -> Run | None:
    """A run that was cancelled with its topmost one, and now tells its end."""
    return _late.pop(key, None)


def watch() -> None:
    """Let the core ask LangChain for the current run; once."""
    global _watching  # noqa: PLW0603 - once a process
    if not _watching:
        _watching = True
        on_lost(_give_up)
        register_current_span_provider(_current)
        register_claim_provider(_claimable)


def _current() -> Span | None:
    """LangChain keeps its config right wherever it runs the user's code: threads, tasks and generators.

    But for the bodies of retrievers, which are found by their place.
    """
    if not _open:
        return None
    run = _configured()
    for place in here():
        for body in map(_open.get, place.keys):
            if body is None or not body.is_retriever:
                continue
            if not place.is_left:
                return body.span if run is None or run.span.serial < body.span.serial else run.span
            _give_up([body.key])
    return run.span if run is not None else None


def _give_up(keys: list[int]) -> None:
    """Retrievers that were cancelled outside of a chain: nobody tells, but their place is gone."""
    with guard("ending a LangChain span"):
        for run in map(_open.get, keys):
            if run is not None and run.is_retriever and _taken_out(run.key) is not None:
                run.span.end("cancelled")


def _configured() -> Run | None:
    config = var_child_runnable_config.get()
    return _open.get(key_of(getattr(config.get("callbacks"), "parent_run_id", None))) if config is not None else None


def run_above(parent_run_id: Any) -> Run | None:
    """The open run a new one says it is below; one of several fallbacks says it is beside them, but runs within."""
    said = _open.get(key_of(parent_run_id))
    if said is None or not said.has_fallbacks:
        return said
    run = _configured()
    return run if run is not None and run.above is said and run.span.name == _FALLBACKS else said


def _claimable() -> Span | None:
    """The model's call this code is in the body of, as long as nobody took it for theirs."""
    for place in here():
        for run in map(_open.get, place.keys):
            if run is not None and run.span.claim == "open":
                return run.span
    return None
