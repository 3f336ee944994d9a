"""What a generator gave, kept for its span: as it was when it was given, and bounded, however long the stream is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trailmark._capture import MAX_BYTES, MAX_NODES, MAX_TEXT
from trailmark._guard import fault, guard

if TYPE_CHECKING:
    from trailmark._span import Span

__all__ = ["Items"]


class Items:
    """Pieces of text are joined; anything else makes it a list, each item captured when it comes.

    With an `aggregate` of the user's the items themselves are kept, all of them, for it to fold.
    """

    __slots__ = ("_aggregate", "_count", "_encoded", "_kept", "_size", "_span", "_texts")

    def __init__(self, span: Span, aggregate: Callable[[list[Any]], Any] | None) -> None:
        self._span, self._aggregate = span, aggregate
        self._kept: list[Any] = []
        self._texts: list[str] = []
        self._encoded: list[bytes] | None = None
        self._count = self._size = 0

    def add(self, item: Any) -> None:
        """Take note of one more item."""
        try:
            self._add(item)
        except Exception as error:  # noqa: BLE001 - this runs between two steps of the user's generator
            fault("keeping what a generator gave", error)

    def give(self) -> None:
        """They are the span's output, unless the user set another."""
        with guard("recording what a generator gave"):
            self._span.set_output(self._folded())

    def _add(self, item: Any) -> None:
        if self._aggregate is not None:
            self._kept.append(item)
            return
        self._count += 1
        if self._encoded is None:
            if type(item) is str:
                self._size += len(item)
                if self._size <= MAX_TEXT:
                    self._texts.append(item)
                return
            self._encoded = [self._span.capture(text) for text in self._texts[:MAX_NODES]]
        if self._size <= MAX_BYTES and len(self._encoded) < MAX_NODES:
            data = self._span.capture(item)
            self._size += len(data)
            self._encoded.append(data)

    def _folded(self) -> bytes:
        capture = self._span.capture
        if self._aggregate is not None:
            try:
                return capture(self._aggregate(self._kept))
            except Exception as error:  # noqa: BLE001 - the user's aggregate may raise anything
                fault(f"aggregate of {self._span.name}", error)
                return capture(self._kept)
        if self._encoded is None:
            cut = f"… [cut: {self._size} characters in all]" if self._size > MAX_TEXT else ""
            return capture("".join(self._texts) + cut if self._count else [])
        left = self._count - len(self._encoded)
        return b"[" + b",".join([*self._encoded, *([capture(f"… {left} more")] if left else [])]) + b"]"
