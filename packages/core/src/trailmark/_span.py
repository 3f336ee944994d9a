"""A span while the program works on it: collects fields, writes a full-state record at start, end and later edits."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import orjson

from trailmark import wire
from trailmark._capture import SAME, capture_error, end_status, surveyed
from trailmark._files import AttachmentInput, read_files, write_files
from trailmark._guard import fault, guard
from trailmark._media import Media
from trailmark._trace_fields import TraceFields, merged_metadata, merged_scores, merged_tags
from trailmark.model import (
    UNSET,
    ErrorInfo,
    Score,
    ScoreInput,
    Status,
    Unset,
    check_cost,
    check_mapping,
    check_type,
    check_usage,
    check_word,
)
from trailmark.wire import END

if TYPE_CHECKING:
    from trailmark._context import Remote
    from trailmark._recorder import Recorder, Sink

__all__ = ["KEYS", "Span", "ending_with"]


KEYS = {
    key: f',"{key}":'.encode()
    for key in ("output", "metadata", "tags", "scores", "model", "provider", "usage", "usage_raw", "total_cost")
}
_OUTPUT = KEYS["output"]
_flat = itertools.chain.from_iterable
SHARED_FROM = 1024  # bytes; what is smaller is cheaper to copy than to treat apart
_MOST_NAMES = 1000  # kept as JSON: most come again and again
_next_serial = itertools.count(1).__next__


_OF_A_SPAN = (
    "name, type, input, output, metadata, tags, model, provider, usage, usage_raw, total_cost, scores, attachments"
)


def ending_with(captured: bytes) -> bytes:
    """How records of a span with that input end."""
    return b',"input":%b}' % captured


class Span:
    """One unit of work. Its methods never raise inside traced code: faults are said once."""

    # Defaults on the class, of what most spans never set. What every record reads is set in each: to read a default
    # costs ten times as much.
    remote: Remote | None = None
    sink: Sink | Unset | None = UNSET  # on roots: where the trace's records go, once it is decided
    claim: str | None = None  # a framework's model call: open, or taken by the provider's integration
    covers_http = False  # it is the record of its HTTP request too: an HTTP client's integration adds none below it
    _root: Span | None = None  # None: this one; a reference to itself would wait for the garbage collector
    _first_token_us: int | None = None
    _error: ErrorInfo | None = None
    _tags: list[str] | None = None
    _scores: list[Score] | None = None
    _tail: wire.Tail | None = None
    _above: wire.Tail | None = None  # of the span above, or of one further up: what is given here often is the same
    _lends = False  # the tail, to the spans below that are given the same
    _media: Media | None = None
    _trace: TraceFields | None = None  # made when somebody sets one
    _ver = 0

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        type: str,
        parent: Span | None,
        project: str,
        remote: Remote | None = None,
        *,
        owns_trace: bool = True,
    ) -> None:
        self._recorder = recorder
        wall_ns, monotonic_ns = recorder.wall_ns, recorder.monotonic_ns  # not called there: 3.11 looks such up slowly
        self.start_us = now = wall_ns() // 1000
        self._start_mono = monotonic_ns()
        self.serial = _next_serial()  # of two enclosing spans the later one is the inner one
        self.name, self.type, self.project = name, type, project
        self._fields: dict[bytes, bytes] = {}  # by their keys as these stand in a record
        self._status: Status = "running"
        self._ended_us: int | None = None
        self._head = ""
        self.ending = b"}"  # of its records: the input, where it is too small to be shared by them
        self._is_plain = recorder.keeps_all  # nothing was set that few spans have
        self.trace_id: str
        self.parent_id: str | None
        if parent is None and remote is None:
            ids_at = recorder.ids_at
            self.id, self.trace_id = ids_at(now)
            self.parent_id, self.owns_trace = None, owns_trace  # whether its record carries the trace's fields
            self._trace_part = recorder.untold_trace if owns_trace else b""
            return
        self.id = recorder.id_at(now)
        self.owns_trace, self._trace_part = False, b""
        if parent is not None:
            self._root = parent._root or parent
            self.trace_id, self.parent_id = parent.trace_id, parent.id
            if parent._recorder is recorder and (parent._lends or parent._above is not None):
                self._above = parent._tail if parent._lends else parent._above
        elif remote is not None:
            self.remote, self.trace_id, self.parent_id = remote, remote.trace_id, remote.id
            if owns_trace and remote.id is None:
                self.owns_trace, self._trace_part = True, recorder.untold_trace

    def __repr__(self) -> str:
        return f"<Span {self.name!r} {self._status} id={self.id} trace_id={self.trace_id}>"

    @property
    def root(self) -> Span:
        """The span at the top of this process's part of the trace."""
        return self._root or self

    @property
    def trace(self) -> TraceFields | None:
        """What is to be said of the trace as a whole; None where another record says it."""
        if self._trace is None and self.owns_trace:
            self._trace, self._is_plain = TraceFields(self._recorder), False
        return self._trace

    @property
    def status(self) -> Status:
        """`running`, `ok`, `error`, `cancelled`."""
        return self._status

    @property
    def is_ended(self) -> bool:
        """Whether the end was recorded; later updates still count."""
        return self._ended_us is not None

    def update(self, **fields: Any) -> None:
        """Set any field of `set`: what is not allowed is said once, and changes nothing."""
        with guard("updating a span"):
            self.set(**fields)
            self.touched()

    def rename(self, name: str) -> None:
        """A better name than it was opened with; its trace goes by it too, unless it has one of its own."""
        self.name, self._head = name, ""

    def tell(self) -> None:
        """Write the state as it is now, a better name above all: pages show it until the end is there."""
        with guard("telling of a running span"):
            if self._ended_us is None and self._ver:  # an open record is out
                self.write(self._ver + 1)

    def touched(self) -> None:
        """Write the new state if the end is already out."""
        if self._ended_us is not None:
            self.write(max(self._ver + 1, wire.now_us()))

    def set(  # noqa: C901 - one branch a field
        self,
        *,
        name: str | None = None,
        type: str | None = None,
        input: Any = UNSET,
        output: Any = UNSET,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        scores: ScoreInput | None = None,
        feedback_scores: ScoreInput | None = None,
        model: str | None = None,
        provider: str | None = None,
        usage: Mapping[str, Any] | None = None,
        usage_raw: Any = None,
        total_cost: float | None = None,
        attachments: AttachmentInput | None = None,
        **unknown: Any,
    ) -> None:
        """As `update`, but raises TypeError or ValueError for what is not allowed, and writes nothing."""
        if unknown:
            raise TypeError(f"a span has no {', '.join(sorted(unknown))}; allowed: {_OF_A_SPAN}")
        recorder, new = self._recorder, dict[bytes, bytes]()  # all is checked before anything changes
        kind = check_type(type) if type is not None else None
        called = check_word("name", name) if name is not None else None
        files = read_files(attachments)
        new_tags = merged_tags(self._tags or [], tags) if tags is not None else self._tags
        is_scored = scores is not None or feedback_scores is not None
        new_scores = merged_scores(self._scores or [], scores, feedback_scores) if is_scored else self._scores
        if usage is not None:
            new[KEYS["usage"]] = orjson.dumps(check_usage(usage))
        if tags is not None:
            new[KEYS["tags"]] = recorder.redactor(orjson.dumps(new_tags))
        if is_scored:
            new[KEYS["scores"]] = recorder.redactor(orjson.dumps(new_scores))
        if total_cost is not None:
            new[KEYS["total_cost"]] = orjson.dumps(check_cost("total_cost", total_cost))
        if metadata is not None:
            more = recorder.capture(check_mapping("metadata", metadata))
            new[KEYS["metadata"]] = merged_metadata(self._fields.get(KEYS["metadata"]), more)
        if output is not UNSET:
            new[KEYS["output"]] = self.capture(output)
        for key, text in (("model", model), ("provider", provider)):
            if text is not None:
                new[KEYS[key]] = wire.text(recorder.redactor.text(check_word(key, text))).encode()
        if usage_raw is not None:
            new[KEYS["usage_raw"]] = recorder.capture(usage_raw)
        if kind is not None:
            self.type, self._head = kind, ""
        if called is not None:
            if self.trace is not None:
                self.trace.keep_name(recorder.redactor.text(self.name))
            self.name, self._head = called, ""
        if input is not UNSET:
            self.set_input(input)
        self._tags, self._scores = new_tags, new_scores
        self._fields |= new
        if files and (sink := recorder.sink_of(self)) is not None:
            write_files(recorder, sink, self.project, self.trace_id, self.id, files)

    def set_input(self, value: Any) -> None:
        """Capture the input as it is now; all records of the span share the bytes, those of spans below too."""
        redactor = self._recorder.redactor
        encoded, found = surveyed(value, self._take_media, "input", self._above)
        if found is SAME:
            self.ending, self._tail, self._lends, self._is_plain = b"", self._above, True, False
            return
        clean = redactor(encoded, found)
        end = ending_with(clean)
        if len(end) < SHARED_FROM:
            self.ending, self._tail, self._lends = end, None, False
        else:
            self.ending, self._tail = b"", wire.Tail(end, has_none=found is None or found[2])
            self._lends, self._is_plain = found is not None and clean is encoded, False

    def capture(self, value: Any, field: str = "output") -> bytes:
        """The value as this span records it; media in it become attachments."""
        return self._recorder.capture(value, self._take_media, field)

    def _take_media(self, field: str, data: str | bytes) -> str | None:
        if self._media is None:
            self._media, self._is_plain = Media(keep=self._recorder.keep_media), False
        return self._media.take(field, data)

    def set_output(self, captured: bytes) -> None:
        """The output, captured already, unless the user set one by hand."""
        self._fields.setdefault(_OUTPUT, captured)

    @property
    def has_usage(self) -> bool:
        """Whether somebody told what the call used: a framework then leaves the provider's figures alone."""
        return KEYS["usage"] in self._fields

    def observe(self, *, input: Any = UNSET, output: Any = UNSET, **fields: Any) -> None:
        """As `update`, of what an integration saw: without the input and output the settings leave out."""
        if input is not UNSET and self._recorder.keep_input:
            fields["input"] = input
        if output is not UNSET and self._recorder.keep_output:
            fields["output"] = output
        if fields:
            self.update(**fields)

    def keeps(self, what: Literal["input", "output", "media"]) -> bool:
        """Whether the capture settings want it recorded; of media their sizes are in any case."""
        recorder = self._recorder
        if what == "output":
            return recorder.keep_output
        return recorder.keep_input if what == "input" else recorder.keep_media

    def mark_first_token(self) -> None:
        """The first piece of a stream arrived now; later calls change nothing."""
        if self._first_token_us is None:
            self._first_token_us, self._is_plain = self._now_us(), False

    def fail(self, error: BaseException, *, with_message: bool = True) -> None:
        """Record the exception; `end` then ends the span as an error, or as cancelled when it was left early.

        Its message is part of what the call gave: where outputs are not recorded, only its type and places are.
        """
        with guard("recording an error"):
            self._status = end_status(error)
            if self._status == "error":
                shown = with_message and self._recorder.keep_output
                self._error, self._is_plain = capture_error(error, with_message=shown), False

    def set_error(self, error: ErrorInfo) -> None:
        """What a user says it failed with."""
        self._status, self._error, self._is_plain = "error", error, False

    def end(
        self,
        status: Status | None = None,
        *,
        output: Any = UNSET,
        free_text: str | None = None,
        end_us: int | None = None,
    ) -> None:
        """End the span, once; when this returns the record is in the outbox. `free_text`: as of `start_root_span`."""
        if self._ended_us is not None:
            return
        try:
            recorder = self._recorder
            if output is not UNSET and recorder.keep_output and _OUTPUT not in self._fields:  # set by hand by the user
                self._fields[_OUTPUT] = (
                    self.capture(output) if free_text is None else recorder.capture_brief(output, free_text)
                )
            if status is not None:
                self._status = status
            elif self._status == "running":
                self._status = "ok"
            if end_us is None:
                monotonic_ns = recorder.monotonic_ns
                self._ended_us = self.start_us + (monotonic_ns() - self._start_mono) // 1000
            else:
                self._ended_us = max(end_us, self.start_us)
            self.write(END if self._ver < END else self._ver + 1)
            if not recorder.keeps_all:
                recorder.ended(self)
        except Exception as own:  # noqa: BLE001 - as `guard` does, without the price of a context manager in every span
            fault("ending a span", own)

    def score(
        self, name: str, value: float | bool | None = None, *, label: str | None = None, reason: str | None = None
    ) -> None:
        """Judge this span; a second score of the same name replaces the first. A bad one is said once."""
        self.update(scores=[{"name": name, "value": value, "label": label, "reason": reason}])

    def _now_us(self) -> int:
        return self.start_us + (self._recorder.monotonic_ns() - self._start_mono) // 1000

    def write(self, ver: int) -> None:
        """The state as it is, to the outbox: as OPEN, so that a crash shows the span with its input, END, or later.

        By hand, because this is most of what a span costs its caller.
        """
        self._ver = ver
        ended = "null" if self._ended_us is None else self._ended_us
        start = (
            f'{{"k":"span","id":"{self.id}","ver":{ver}{self._head or self._new_head()}{ended}'
            f',"status":"{self._status}"'
        ).encode()
        if self._is_plain:
            sink = self._recorder.sink
            sink(b"".join((start, *_flat(self._fields.items()), self._trace_part, self.ending)))
        else:
            self._write_with_rest(start)

    def _write_with_rest(self, start: bytes) -> None:
        """With what few spans have; to where the trace's records go."""
        recorder, trace = self._recorder, self._trace
        sink = recorder.sink_of(self)
        if sink is None:
            return
        for media, id in ((self._media, self.id), (trace.media if trace is not None else None, None)):
            if media is not None:
                files, media.files = media.files, []
                write_files(recorder, sink, self.project, self.trace_id, id, files)
        parts = [start, *_flat(self._fields.items())]
        if self._first_token_us is not None:
            parts.append(b',"first_token_us":%d' % self._first_token_us)
        if self._error is not None:
            parts += (b',"error":', recorder.redactor(orjson.dumps(self._error)))
        parts += (self._trace_part if trace is None else b',"trace":%b' % trace.encoded(), self.ending)
        if self._tail is None:
            sink(b"".join(parts))
        else:
            sink(b"".join(parts), self._tail)

    def _new_head(self) -> str:
        """What all its records say before their end."""
        known, names = self._recorder.names, (self.project, self.name, self.type)
        named = known.get(names)
        if named is None:
            name = self._recorder.redactor.text(self.name)
            named = f',"project":{wire.text(self.project)},"name":{wire.text(name)},"type":"{self.type}","start_us":'
            if len(known) < _MOST_NAMES:
                known[names] = named
        parent = "null" if self.parent_id is None else f'"{self.parent_id}"'
        self._head = f',"trace_id":"{self.trace_id}","parent_id":{parent}{named}{self.start_us},"end_us":'
        return self._head
