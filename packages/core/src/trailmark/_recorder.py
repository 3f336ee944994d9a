"""Starts spans: decides parent, trace, project and sampling, and hands records to a sink (any callable)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from trailmark._capture import encoded_as
from trailmark._context import attached, current
from trailmark._redact import Redactor
from trailmark._span import Span
from trailmark.model import UNSET, Unset, check_type
from trailmark.wire import IdSource, Tail

__all__ = ["Clock", "Recorder", "Sink", "system_clock"]

Clock: TypeAlias = Callable[[], tuple[int, int]]  # (wall clock in microseconds, monotonic in nanoseconds)


class Sink(Protocol):
    """Takes an encoded record; `tail` is its end where that is large and shared."""

    def __call__(self, record: bytes, tail: Tail | None = None, /) -> None: ...


def system_clock() -> tuple[int, int]:
    """Wall clock once at the start of a span; from then on the monotonic one counts."""
    return time.time_ns() // 1000, time.monotonic_ns()


class Recorder:
    """Makes spans whose records go to `sink`."""

    def __init__(
        self,
        sink: Sink,
        *,
        project: str = "Default Project",
        sample_rate: float = 1.0,
        new_id: Callable[[], str] | None = None,
        clock: Clock = system_clock,
        redactor: Redactor | None = None,
    ) -> None:
        self.sink = sink
        self.project = project
        self.new_id = new_id or IdSource()
        self.clock = clock
        self.redactor = redactor or Redactor()
        self._kept = int(sample_rate * 0x1_0000_0000)
        self.keeps_all = self._kept > 0xFFFF_FFFF

    def capture(self, value: Any) -> bytes:
        """The value as bounded JSON without secrets."""
        encoded, is_plain = encoded_as(value)
        return self.redactor(encoded, value if is_plain else None)

    def is_recording(self, trace_id: str) -> bool:
        """Whether the trace is in the sample: decided by its id, so every process decides alike."""
        return self.keeps_all or int(trace_id[-8:], 16) < self._kept

    def start(
        self, name: str, *, type: str = "general", project: str | None = None, parent: Span | Unset | None = UNSET
    ) -> Span:
        """A child of `parent` (default: the current span); without one a root: of the trace attached, or a new one.

        Not made current, no record written yet. `parent=None` is a new trace, whatever is current.
        """
        if isinstance(parent, Unset):
            parent = current()
            remote = attached() if parent is None else None
        else:
            remote = None
        project = parent.project if parent is not None else project or self.project
        return Span(self, name, check_type(type), parent, project, remote)
