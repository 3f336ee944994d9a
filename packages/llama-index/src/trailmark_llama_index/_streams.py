"""Answers that are read later: the spans behind them end with the last piece, or when the stream is left or dropped."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from trailmark.instrumentation import guard

from trailmark_llama_index._runs import Run, inside

__all__ = ["Reading", "async_watched", "end_with", "watched"]


class Reading:
    """Who waits for a stream to be read: runs, innermost first. Only the first end counts."""

    def __init__(self, run: Run, end: Callable[[Run, str | None, BaseException | None], None]) -> None:
        self.runs = [run]
        self._end = end
        self.pieces: list[str] = []

    def took(self, piece: Any) -> None:
        """A piece reached the reader."""
        if not self.pieces:
            for run in self.runs:
                run.span.mark_first_token()
        self.pieces.append(str(piece))

    def ended(self, error: BaseException | None = None, *, was_left: bool = False) -> None:
        """The stream is over."""
        runs, self.runs = self.runs, []
        with guard("ending a LlamaIndex span"):
            for run in runs:
                run.was_cancelled |= was_left
                self._end(run, "".join(self.pieces), error)


def watched(source: Generator[Any, None, None], reading: Reading) -> Generator[Any, None, None]:
    """The same pieces; what happens while one is made happens inside the innermost span."""
    made = _watched(source, reading)
    weakref.finalize(made, reading.ended, was_left=True)  # never read at all
    return made


def _watched(source: Generator[Any, None, None], reading: Reading) -> Generator[Any, None, None]:
    run = reading.runs[0]
    try:
        while True:
            with inside(run):
                try:
                    piece = next(source)
                except StopIteration:
                    break
            reading.took(piece)
            yield piece
    except GeneratorExit:
        source.close()
        reading.ended(was_left=True)
        raise
    except BaseException as error:
        reading.ended(error)
        raise
    reading.ended()


def async_watched(source: AsyncGenerator[Any, None], reading: Reading) -> AsyncGenerator[Any, None]:
    """As `watched`."""
    made = _async_watched(source, reading)
    weakref.finalize(made, reading.ended, was_left=True)
    return made


async def _async_watched(source: AsyncGenerator[Any, None], reading: Reading) -> AsyncGenerator[Any, None]:
    run = reading.runs[0]
    try:
        while True:
            with inside(run):
                try:
                    piece = await anext(source)
                except StopAsyncIteration:
                    break
            reading.took(piece)
            yield piece
    except GeneratorExit:
        await source.aclose()
        reading.ended(was_left=True)
        raise
    except BaseException as error:
        reading.ended(error)
        raise
    reading.ended()


def end_with(stream: Any, end: Callable[[], None]) -> None:
    """Call `end` when nobody can read the stream any more."""
    weakref.finalize(stream, end)
