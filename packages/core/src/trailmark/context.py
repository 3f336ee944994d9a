"""What a program asks and tells about the trace and span it is in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from trailmark._context import continue_from, current
from trailmark._guard import guard, say_once
from trailmark._live_trace import LiveTrace
from trailmark._process import is_tracing_active, pipeline
from trailmark._propagation import Headers, read_headers, write_headers
from trailmark._span import Span
from trailmark.model import shown

__all__ = [
    "attach",
    "copy_to_thread",
    "distributed_headers",
    "get_current_span",
    "get_current_trace",
    "get_trace_url",
    "update_current_span",
    "update_current_trace",
]

P = ParamSpec("P")
R = TypeVar("R")


def get_current_span() -> Span | None:
    """The span this code runs in, if any."""
    return current()


def get_current_trace() -> LiveTrace | None:
    """The trace this code runs in, if any: `trace_id` is its id, `update` and `score` are as `update_current_trace`."""
    span = current()
    return LiveTrace(span.root) if span is not None else None


def get_trace_url(trace_id: str | None = None) -> str | None:
    """Where a person sees the trace (default: the current one).

    None outside of a trace, while no page is served on this machine, and until a remote server answered: `flush` first.
    """
    span = current() if trace_id is None else None
    looked_for = span.trace_id if span is not None else trace_id
    if looked_for is None:
        return None
    with guard("looking for a trace's page"):
        return pipeline().link(looked_for)
    return None


def update_current_span(fields: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Set name, type, input, output, model, provider, usage, total_cost; merge metadata; add tags, scores, attachments.

    A mapping given positionally is the same as keywords. Inside traced code nothing raises: a bad value is said once.
    """
    span = _current_or_hint("update_current_span")
    if span is not None:
        with guard("update_current_span"):
            span.set(**{**(fields or {}), **more})
            span.touched()


def update_current_trace(fields: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Set the trace's name, input, output, thread_id, user_id, environment; merge metadata; add the rest.

    The rest: tags, scores, attachments.
    `scores={"quality": 0.9, "verdict": "good"}` and `feedback_scores=[{"name": …, "value": …}]` are the same.
    """
    span = _current_or_hint("update_current_trace")
    if span is not None:
        with guard("update_current_trace"):
            LiveTrace(span.root).update(**{**(fields or {}), **more})


def distributed_headers() -> dict[str, str]:
    """Headers for a call to another service, whose spans then continue this trace; {} outside a span.

    `traceparent` and `tracestate` of W3C trace context; the other side hands them to `attach`.
    """
    headers: dict[str, str] = {}
    span = current()
    if span is not None:
        with guard("distributed_headers"):
            headers = write_headers(span, is_sampled=pipeline().recorder.is_sampled(span))
    return headers


@contextmanager
def attach(headers: Headers) -> Iterator[None]:
    """Spans inside the block continue the trace these headers tell of; {} and headers without one change nothing.

    `headers`: a mapping or pairs, with `traceparent` and `tracestate`, or `opik_trace_id` and `opik_parent_span_id`.
    """
    remote = None
    with guard("attach"):
        remote = read_headers(headers)
    with continue_from(remote):
        yield


def copy_to_thread(function: Callable[P, R]) -> Callable[P, R]:
    """The function, bound to the context of now: run it in another thread and its spans nest here."""
    if not callable(function):
        raise TypeError(f"function is {shown(function)}; allowed: a function, or whatever can be called")
    context = copy_context()

    @functools.wraps(function)
    def bound(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return bound


def _current_or_hint(caller: str) -> Span | None:
    span = current()
    if span is None and is_tracing_active():
        say_once(
            caller, f"{caller} was called outside a span: nothing to update; call it inside a @trailmark.track function"
        )
    return span
