"""Replace an attribute, and put back exactly what was there; wrappers that look like what they stand for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["original", "patch", "stands_for"]


def patch(owner: Any, name: str, make_wrapper: Callable[[Any], Any]) -> Callable[[], None]:
    """Set `owner.name` to `make_wrapper(original)`; the result undoes it, once, and restores identity.

    Raises AttributeError when there is nothing to patch.
    """
    original = getattr(owner, name)
    had_own = name in vars(owner)
    stored = vars(owner)[name] if had_own else None
    setattr(owner, name, make_wrapper(original))
    undone = False

    def undo() -> None:
        nonlocal undone
        if not undone:
            undone = True
            if had_own:
                setattr(owner, name, stored)
            else:
                delattr(owner, name)

    return undo


def stands_for(inner: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a wrapper of `inner`: gives it the looks of what it wraps, and the way back to it."""

    def mark(wrapper: Callable[..., Any]) -> Callable[..., Any]:
        functools.update_wrapper(wrapper, inner)
        vars(wrapper)["_trailmark_original"] = original(inner)
        return wrapper

    return mark


def original(method: Any) -> Any:
    """Below what wrappers of ours stand for, so that nothing is seen twice."""
    return getattr(method, "_trailmark_original", method)
