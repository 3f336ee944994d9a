"""Which runs this code is in the body of, where LangChain itself keeps no word of it: models and retrievers.

A place is an entry in the caller's context. Sync callbacks make theirs there. Async ones run in an executor, in a
copy: langchain-core looks at the handler's `run_inline` first, in the caller's own context, and that look lays out a
place for the callback to fill. What started in another task or thread is never taken for what runs here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar

__all__ = ["fill", "here", "lay_out", "settle"]


class _Place:
    __slots__ = ("keys", "outer", "wanted")

    def __init__(self, outer: _Place | None, wanted: int) -> None:
        self.keys: list[int] = []
        self.outer = outer
        self.wanted = wanted  # how many more runs it takes: a model's call has one for each of its prompts


_place: ContextVar[_Place | None] = ContextVar("trailmark_langchain_place", default=None)


def lay_out(is_open: Callable[[int], bool]) -> None:
    """A place for the callback that comes next; what is over is left out of the way to it."""
    place = _place.get()
    if place is None or not place.wanted:
        _place.set(_Place(_living(place, is_open), wanted=1))


def fill(key: int, is_open: Callable[[int], bool], of: int = 1) -> None:
    """The run starts here, the next `of` as many that its call makes."""
    place = _place.get()
    if place is None or not place.wanted:
        place = _Place(_living(place, is_open), wanted=of)
        _place.set(place)
    elif not place.keys:
        place.wanted = of
    place.keys.append(key)
    place.wanted -= 1


def settle() -> None:
    """The callback that came needs no place."""
    place = _place.get()
    if place is not None:
        place.wanted = 0


def here() -> Iterator[list[int]]:
    """The runs this code may be in, innermost first; of one call in the order of its prompts."""
    place = _place.get()
    while place is not None:
        yield place.keys
        place = place.outer


def _living(place: _Place | None, is_open: Callable[[int], bool]) -> _Place | None:
    while place is not None and not any(map(is_open, place.keys)):
        place = place.outer
    return place
