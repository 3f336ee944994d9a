"""`with trailmark.trace(...)` and `with trailmark.span(...)`, sync and async."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from trailmark._context import enter, entered, leave
from trailmark._guard import guard
from trailmark._span import Span
from trailmark._start import start_span
from trailmark.model import UNSET, check_type

__all__ = ["Block", "span", "trace"]

_TRACE_FIELDS = ("thread_id", "user_id", "environment")


class Block:
    """A context manager, sync and async, that yields the live span; when tracing is off, one that records nothing."""

    def __init__(self, name: str, *, type: str, root: bool, fields: dict[str, Any]) -> None:
        self._trace_fields = {key: fields.pop(key) for key in _TRACE_FIELDS if fields.get(key) is not None}
        if root:  # as @track: both the trace and its root span have them
            self._trace_fields |= {key: fields[key] for key in ("tags", "metadata") if fields.get(key)}
        self._name, self._type, self._root, self._fields = name, "general", root, fields
        with guard("opening a block"):
            self._type = check_type(type)
        self._span: Span | None = None
        self._before: Span | None = None

    def __enter__(self) -> Self:
        self._span = start_span(
            self._name,
            type=self._type,
            parent=None if self._root else UNSET,
            trace_fields=self._trace_fields,
            **self._fields,
        )
        if self._span is not None:
            self._before = entered()
            enter(self._span)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if (span := self._span) is not None:
            leave(span, self._before)
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
        """The span's id; None when tracing is off."""
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


def trace(name: str, *, type: str = "general", project_name: str | None = None, **fields: Any) -> Block:
    """The root of a new trace, whatever is current.

    Also takes thread_id, user_id and environment; tags and metadata are those of the trace and of its root span.
    """
    return Block(name, type=type, root=True, fields={"project_name": project_name, **fields})


def span(name: str, *, type: str = "general", **fields: Any) -> Block:
    """A child of the current span, or the root of a new trace when there is none."""
    return Block(name, type=type, root=False, fields=fields)
