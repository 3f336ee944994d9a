"""Replace an attribute, and put back exactly what was there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["patch"]


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
