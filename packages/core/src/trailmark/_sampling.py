"""Records of a trace that is not in the sample: held in memory until it is known whether it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trailmark._guard import say_once
from trailmark.wire import Tail

__all__ = ["MAX_HELD_BYTES", "Held"]

MAX_HELD_BYTES: Final = 8 * 1024 * 1024  # of all traces of a process


class Held:
    """Takes records like a sink. `settle` writes them if something failed, and forgets them otherwise."""

    __slots__ = ("_bytes", "_records", "_settled", "_sink", "_total", "failed")

    def __init__(self, sink: Callable[[bytes, Tail | None], None], total: list[int]) -> None:
        self._sink, self._total = sink, total
        self._records: list[tuple[bytes, Tail | None]] = []
        self._bytes = 0
        self._settled = False
        self.failed = False

    def __call__(self, record: bytes, tail: Tail | None = None, /) -> None:
        if self._settled:
            if self.failed:
                self._sink(record, tail)
            return
        size = len(record) + (len(tail.data) if tail is not None else 0)
        if self._total[0] + size > MAX_HELD_BYTES:
            say_once(
                "held", "keep_errors holds 8 MB of traces that may fail; newer records of such traces are left out"
            )
            return
        self._total[0] += size
        self._bytes += size
        self._records.append((record, tail))

    def settle(self) -> None:
        """The trace is over."""
        records, self._records, self._settled = self._records, [], True
        self._release()
        if self.failed:
            for record, tail in records:
                self._sink(record, tail)

    def _release(self) -> None:
        self._total[0] -= self._bytes
        self._bytes = 0

    def __del__(self) -> None:
        self._release()
