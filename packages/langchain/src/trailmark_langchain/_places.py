"""Which runs this code is in the body of, where LangChain itself keeps no word of it: models and retrievers.

A place is an entry in the caller's context. Sync callbacks make theirs there. Async ones run in an executor, in a
copy: langchain-core looks at the handler's `run_inline` first, in the caller's own context, and that look lays out a
place for the callback to fill. What started in another task or thread is never taken for what runs here.

Of a retriever that is cancelled LangChain says nothing: its place then goes with its context, or is found to be left.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final

__all__ = ["Place", "fill", "here", "lay_out", "on_lost", "settle"]

_FRAMES: Final = 8  # between LangChain's callback manager and here

_listeners: list[Callable[[list[int]], None]] = []


class Place:
    """Runs that began at one call. `asker`: of a retriever, the frame that asks it and where that runs."""

    __slots__ = ("asker", "keys", "outer", "wanted")

    def __init__(self, outer: Place | None, wanted: int) -> None:
        self.keys: list[int] = []
        self.outer = outer
        self.wanted = wanted  # how many more runs it takes: a model's call has one for each of its prompts
        self.asker = _asker()

    def __del__(self) -> None:
        if self.asker is not None:
            for tell in _listeners:
                tell(self.keys)

    @property
    def is_left(self) -> bool:
        """Whether who asked the retriever is no longer at it, as this code would be further up his stack."""
        if self.asker is None or self.asker[1] != _whereabouts():
            return False
        frame = sys._getframe(1)
        while frame.f_back is not None:
            if id(frame) == self.asker[0]:
                return False
            frame = frame.f_back
        return True


def _asker() -> tuple[int, tuple[int, int]] | None:
    frame = sys._getframe(2)
    for _ in range(_FRAMES):
        if frame.f_back is None:
            break
        if frame.f_back.f_globals.get("__name__") == "langchain_core.retrievers":
            return id(frame.f_back), _whereabouts()
        frame = frame.f_back
    return None


def _whereabouts() -> tuple[int, int]:
    """Thread and task: numbers alone, a place must not keep its task."""
    try:
        task = id(asyncio.current_task())
    except RuntimeError:  # no loop
        task = 0
    return threading.get_ident(), task


def on_lost(callback: Callable[[list[int]], None]) -> None:
    """Whom to tell of retrievers in whose bodies nobody can be any more."""
    _listeners[:] = [callback]


_place: ContextVar[Place | None] = ContextVar("trailmark_langchain_place", default=None)


def lay_out(is_open: Callable[[int], bool]) -> None:
    """A place for the callback that comes next; what is over is left out of the way to it."""
    place = _place.get()
    if place is None or not place.wanted:
        _place.set(Place(_living(place, is_open), wanted=1))


def fill(key: int, is_open: Callable[[int], bool], of: int = 1) -> None:
    """The run starts here, the next `of` as many that its call makes."""
    place = _place.get()
    if place is None or not place.wanted:
        place = Place(_living(place, is_open), wanted=of)
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


def here() -> Iterator[Place]:
    """The places this code may be in, innermost first; the runs of one call in the order of its prompts."""
    place = _place.get()
    while place is not None:
        yield place
        place = place.outer


def _living(place: Place | None, is_open: Callable[[int], bool]) -> Place | None:
    while place is not None and not any(map(is_open, place.keys)):
        place = place.outer
    return place
