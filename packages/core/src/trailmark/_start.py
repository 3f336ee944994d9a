"""Opens spans in the process's default pipeline; shared by @track, the block forms and the integrations' kit."""

from __future__ import annotations

from typing import Any

from trailmark._context import current, is_suppressed
from trailmark._guard import fault
from trailmark._process import is_tracing_active, pipeline
from trailmark._span import Span
from trailmark.model import UNSET, Unset

__all__ = ["claim_span", "start_span"]


def start_span(
    name: str,
    *,
    type: str = "general",
    project_name: str | None = None,
    parent: Span | Unset | None = UNSET,
    claimable: bool = False,
    input: Any = UNSET,
    trace_fields: dict[str, Any] | None = None,
    **fields: Any,
) -> Span | None:
    """A child of `parent` (default: the current span; None: a new trace), or a root; None when tracing is off.

    Not made current. `fields` are those of `Span.update`; `trace_fields` go to the trace when this is its root.
    `claimable`: a framework's model call; the provider's integration below adds to this span (`claim_span`).
    """
    try:
        if not is_tracing_active() or is_suppressed():
            return None
        line = pipeline()
        span = line.recorder.start(name, type=type, project=project_name, parent=parent)
        if claimable:
            span.claim = "open"
        if input is not UNSET:
            span.set_input(input)
        if fields:
            span.set(**fields)
        if span.trace is not None:
            if trace_fields:
                span.trace.update(**trace_fields)
            line.tell(span.project, span.trace_id)
        span.opened()
    except Exception as error:  # noqa: BLE001 - the seam of every traced call: the caller must never see our faults
        fault("starting a span", error)
        return None
    return span


def claim_span() -> Span | None:
    """The framework's open model call this code runs in, once; the claimer adds model, usage and answer to it.

    One model call is one `llm` span: who claims opens none of its own, and leaves the end to the framework.
    """
    span = current()
    if span is None or span.claim != "open" or span.is_ended:
        return None
    span.claim = "taken"
    return span
