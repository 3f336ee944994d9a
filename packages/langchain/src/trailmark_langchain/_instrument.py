"""Every run of the process, by langchain-core's own hook: nothing is patched."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from langchain_core.tracers import context as hooks

from trailmark_langchain._tracer import TrailmarkTracer

__all__ = ["instrument"]

_undo: list[Callable[[], None]] = []


def instrument(**options: Any) -> Callable[[], None]:
    """Record every run of every chain, also in bare threads, without callbacks; returns a function that undoes it.

    Twice is once. Options are those of `TrailmarkTracer`.
    """
    tracer = TrailmarkTracer(**options)
    if not _undo:
        variable: ContextVar[Any] = ContextVar("trailmark_langchain", default=tracer)  # a default is seen everywhere
        before = list(hooks._configure_hooks)
        hooks.register_configure_hook(variable, inheritable=True)
        added = [hook for hook in hooks._configure_hooks if hook not in before]
        _undo.append(lambda: _remove(added))
    return _uninstrument


def _remove(added: list[Any]) -> None:
    for hook in added:
        if hook in hooks._configure_hooks:
            hooks._configure_hooks.remove(hook)


def _uninstrument() -> None:
    while _undo:
        _undo.pop()()
