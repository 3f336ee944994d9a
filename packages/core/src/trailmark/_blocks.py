"""`with trailmark.trace(...)` and `with trailmark.span(...)`, sync and async."""

from __future__ import annotations

import copy
from types import TracebackType
from typing import Any, Self

from trailmark._context import enter, entered, leave
from trailmark._guard import guard
from trailmark._live_trace import update_both
from trailmark._span import Span
from trailmark._start import start_span
from trailmark.model import UNSET, Unset, check_text, check_type

__all__ = ["Block", "TraceBlock", "span", "trace"]

_TRACE_FIELDS = ("thread_id", "user_id", "environment")
_OF_START = frozenset(("parent", "claimable", "by_hand", "trace_fields"))  # parameters of `start_span`, not of a block
_TO_CHECK = _OF_START | {"project_name"}


class Block:
    """A context manager, sync and async, that yields the live span; when tracing is off, one that records nothing."""

    _parent: Span | Unset | None = UNSET

    def __init__(self, name: str, *, type: str, fields: dict[str, Any]) -> None:
        self._trace_fields = {key: fields.pop(key) for key in _TRACE_FIELDS if fields.get(key) is not None}
        self._name, self._type, self._fields = "unnamed", "general", fields
        with guard("opening a block"):
            self._name = str(name)
            self._type = check_type(type)
        if not _TO_CHECK.isdisjoint(fields):  # few have any
            with guard("opening a block"):
                self._take_out_what_fails_the_span()
        self._span: Span | None = None
        self._open: dict[Span, Span | None] = {}  # what was current before each
        self._free = [True]  # whether this one has none open; to pop it is atomic

    def _take_out_what_fails_the_span(self) -> None:
        project = self._fields.pop("project_name", None)
        unknown = _OF_START & self._fields.keys()
        for name in unknown:
            del self._fields[name]
        if project is not None:
            self._fields["project_name"] = check_text("project_name", project)
        if unknown:
            raise TypeError(f"a block has no {', '.join(sorted(unknown))}")

    def __enter__(self) -> Self:
        span = start_span(
            self._name,
            type=self._type,
            parent=self._parent,
            by_hand=True,
            trace_fields=self._trace_fields,
            **self._fields,
        )
        block = self._own()
        block._span = span
        if span is None:
            block._free = [True]
        else:
            self._open[span] = entered()
            enter(span)
        return block

    def _own(self) -> Self:
        """This one, or its like where it is open, by another thread perhaps: that one keeps its span."""
        try:
            self._free.pop()
            return self
        except IndexError:
            like = copy.copy(self)
            like._free = []
            return like

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        span = entered()
        if span not in self._open:  # left in another context, or something in between was not left
            span = self._span
        if span is not None and span in self._open:
            leave(span, self._open.pop(span))
            if span is self._span:
                self._free.append(True)
            if error is not None:
                span.fail(error)
            span.end()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    @property
    def id(self) -> str | None:
        """The id of the span; None when tracing is off."""
        return self._span.id if self._span else None

    @property
    def trace_id(self) -> str | None:
        """The trace's id; None when tracing is off."""
        return self._span.trace_id if self._span else None

    def update(self, **fields: Any) -> None:
        """Set input, output, model, provider, usage, total_cost, …; merge metadata; add tags and scores."""
        if self._span is not None:
            self._span.update(**fields)

    def score(
        self, name: str, value: float | bool | None = None, *, label: str | None = None, reason: str | None = None
    ) -> None:
        """Judge the span; a second score of the same name replaces the first."""
        if self._span is not None:
            self._span.score(name, value, label=label, reason=reason)


class TraceBlock(Block):
    """As `Block`, of a trace and its root span together: scores, attachments and people are the trace's."""

    _parent = None  # whatever is current

    def __init__(self, name: str, *, type: str, fields: dict[str, Any]) -> None:
        super().__init__(name, type=type, fields=fields)
        self._trace_fields |= {key: fields[key] for key in ("tags", "metadata") if fields.get(key)}
        self._later = {key: fields.pop(key) for key in ("scores", "feedback_scores", "attachments") if key in fields}

    def __enter__(self) -> Self:
        block = super().__enter__()
        if block._later:
            block.update(**block._later)
        return block

    @property
    def id(self) -> str | None:
        """The trace's id, as `trace_id`; None when tracing is off."""
        return self.trace_id

    def update(self, **fields: Any) -> None:
        """Set name, type, input, output, thread_id, user_id, model, usage, …; merge metadata; add tags and the rest.

        The rest, scores and attachments, is the trace's; `trailmark.update_current_span` is for those of its root span.
        """
        if self._span is not None:
            with guard("updating a trace"):
                update_both(self._span, fields)

    def score(
        self, name: str, value: float | bool | None = None, *, label: str | None = None, reason: str | None = None
    ) -> None:
        """Judge the trace; a second score of the same name replaces the first."""
        self.update(scores=[{"name": name, "value": value, "label": label, "reason": reason}])


def trace(name: str, *, type: str = "general", project_name: str | None = None, **fields: Any) -> TraceBlock:
    """A new trace, whatever is current; yields it. Tags and metadata are those of the trace and of its root span.

    Takes thread_id, user_id, environment, scores and attachments of the trace too.
    """
    if project_name is not None:
        fields["project_name"] = project_name
    return TraceBlock(name, type=type, fields=fields)


def span(name: str, *, type: str = "general", **fields: Any) -> Block:
    """A child of the current span, or the root of a new trace when there is none."""
    return Block(name, type=type, fields=fields)
