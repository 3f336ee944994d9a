"""Starts spans: decides parent, trace, project and sampling, and hands records to a sink (any callable)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from trailmark._context import attached, current
from trailmark._span import Span
from trailmark.model import UNSET, Unset, check_type
from trailmark.wire import IdSource

__all__ = ["Clock", "Recorder", "Sink", "system_clock"]

Sink: TypeAlias = Callable[[bytes], None]
Clock: TypeAlias = Callable[[], tuple[int, int]]  # (wall clock in microseconds, monotonic in nanoseconds)


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
    ) -> None:
        self.sink = sink
        self.project = project
        self.new_id = new_id or IdSource()
        self.clock = clock
        self._kept = int(sample_rate * 0x1_0000_0000)

    def is_recording(self, trace_id: str) -> bool:
        """Whether the trace is in the sample: decided by its id, so every process decides alike."""
        return self._kept > 0xFFFF_FFFF or int(trace_id[-8:], 16) < self._kept

    def start(
        self, name: str, *, type: str = "general", project: str | None = None, parent: Span | Unset | None = UNSET
    ) -> Span:
        """A child of `parent` (default: the current span); without one a root: of the trace attached, or a new one.

        Not made current, no record written yet. `parent=None` is a new trace, whatever is current.
        """
        above = current() if isinstance(parent, Unset) else parent
        remote = attached() if above is None and isinstance(parent, Unset) else None
        return Span(
            self,
            name=str(name),
            type=check_type(type),
            parent=above,
            remote=remote,
            project=above.project if above is not None else project or self.project,
        )
