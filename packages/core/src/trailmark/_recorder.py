"""Starts spans: decides parent, trace, project and sampling, and hands records to a sink (any callable)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import orjson

from trailmark._capture import surveyed
from trailmark._context import attached, current, suppress
from trailmark._guard import fault
from trailmark._media import TakeMedia
from trailmark._redact import MASK, Redactor, has_shape
from trailmark._sampling import Held
from trailmark._span import Span, ending_with
from trailmark._trace_fields import TraceFields
from trailmark.model import SPAN_TYPES, UNSET, Unset, check_type
from trailmark.wire import IdSource, Tail, now_us

__all__ = ["Clock", "Recorder", "Sampler", "Sink", "system_clock"]

_BRIEF, _MOST_BRIEF = 300, 1000  # bytes, and how many
_MASK = MASK.encode()

Sampler: TypeAlias = Callable[[Span], bool | None]  # judges the root span; None: as sample_rate says
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
        sampler: Sampler | None = None,
        keep_errors: bool = False,
        environment: str | None = None,
        release: str | None = None,
        keep_media: bool = True,
        keep_input: bool = True,
        keep_output: bool = True,
    ) -> None:
        self.keep_media = keep_media
        self.keep_input, self.keep_output = keep_input, keep_output  # of calls; what a user gives by hand is kept
        self.sink = sink
        self.project = project
        ids = IdSource()
        self.new_id = new_id or (lambda: ids.one(now_us()))
        self.id_at: Callable[[int], str] = ids.one if new_id is None else lambda _: new_id()
        self.ids_at: Callable[[int], tuple[str, str]] = ids.two if new_id is None else lambda _: (new_id(), new_id())
        self.clock = clock
        self.wall_ns = time.time_ns if clock is system_clock else lambda: clock()[0] * 1000
        self.monotonic_ns = time.monotonic_ns if clock is system_clock else lambda: clock()[1]
        self.redactor = redactor or Redactor()
        self._redacted = self.redactor.__call__
        self.names: dict[tuple[str, str, str], str] = {}  # project, name and type of spans, as their records begin
        self.root_endings: dict[tuple[str, str, bool], bytes] = {}
        self._kept = int(sample_rate * 0x1_0000_0000)
        self.keeps_all = self._kept > 0xFFFF_FFFF and sampler is None
        self._sampler, self._keep_errors = sampler, keep_errors
        self._held_bytes = [0]
        # of every trace, unless it says otherwise
        self.default_texts = {"environment": environment} if environment is not None else {}
        self.default_fields = {"metadata": self.capture({"version": release})} if release is not None else {}
        self.has_defaults = environment is not None or release is not None
        self.untold_trace = b',"trace":' + TraceFields(self).encoded()

    def capture(self, value: Any, take: TakeMedia | None = None, field: str = "") -> bytes:
        """The value as bounded JSON without secrets; `take` keeps the media in it."""
        return self._redacted(*surveyed(value, take, field))

    def capture_brief(self, value: dict[str, Any], free_text: str) -> bytes:
        """As `capture`, of a short mapping made by an integration, in which no text but this one can hold a secret."""
        redactor = self.redactor
        try:
            encoded = orjson.dumps(value)
            if not redactor.has_functions and (not free_text or redactor.is_off or not has_shape(free_text.encode())):
                return encoded
        except (TypeError, ValueError):  # what UTF-8 cannot say
            return self.capture(value)
        return redactor(encoded)

    def root_ending(self, name: str, value: dict[str, Any], text: str, *, is_brief: bool) -> bytes:
        """As of `start_root_span`: how records with that input end. Kept for the next, as the same come often."""
        ending = ending_with(self.capture_brief(value, text) if is_brief else self.capture(value))
        known = self.root_endings
        is_short = len(ending) < _BRIEF and len(text) < _BRIEF  # a long query may come to little
        # a user's function may answer otherwise next time, and what a secret stands in is not to be remembered
        if is_short and not self.redactor.has_functions and _MASK not in ending:
            if len(known) >= _MOST_BRIEF:
                known.clear()
            known[name, text, is_brief] = ending
        return ending

    def is_recording(self, trace_id: str) -> bool:
        """Whether the trace is in the sample by its id: so every process decides alike."""
        return self.keeps_all or int(trace_id[-8:], 16) < self._kept

    def is_sampled(self, span: Span) -> bool:
        """Whether what the span records is written now: by the user's sampler, or else by the trace's id."""
        return self.keeps_all or self.sink_of(span) is self.sink

    def sink_of(self, span: Span) -> Sink | None:
        """Where the span's records go: the outbox, memory until its trace fails, or nowhere. Decided once a trace."""
        if self.keeps_all:
            return self.sink
        root = span.root
        if isinstance(root.sink, Unset):
            root.sink = self._chosen(root)
        return root.sink

    def ended(self, span: Span) -> None:
        """A span ended: with its root, what was held of the trace is written or forgotten."""
        sink = self.sink_of(span)
        if isinstance(sink, Held):
            sink.failed = sink.failed or span.status == "error"
            if span.root is span:
                sink.settle()

    def _chosen(self, root: Span) -> Sink | None:
        wanted: Any = None
        if self._sampler is not None:
            try:
                with suppress():  # a trace of its own would be judged in turn
                    wanted = self._sampler(root)
            except Exception as error:  # noqa: BLE001 - the user's sampler may raise anything
                fault("the sampler", error)
        if wanted is None:
            wanted = int(root.trace_id[-8:], 16) < self._kept
        if wanted:
            return self.sink
        return Held(self.sink, self._held_bytes) if self._keep_errors else None

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
        return Span(self, name, type if type in SPAN_TYPES else check_type(type), parent, project, remote)
