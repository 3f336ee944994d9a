"""Opens spans in the process's default pipeline; shared by @track, the block forms and the integrations' kit."""

from __future__ import annotations

from typing import Any

from trailmark._client import is_tracing_active, pipeline
from trailmark._context import is_suppressed
from trailmark._guard import fault
from trailmark._span import Span

__all__ = ["start_span"]


def start_span(
    name: str,
    *,
    type: str = "general",
    project_name: str | None = None,
    root: bool = False,
    trace_fields: dict[str, Any] | None = None,
    **fields: Any,
) -> Span | None:
    """A child of the current span, or the root of a new trace (always, with `root`); None when tracing is off.

    Not made current. `fields` are those of `Span.update`; `trace_fields` go to the trace when this is its root.
    """
    try:
        if not is_tracing_active() or is_suppressed():
            return None
        line = pipeline()
        span = line.recorder.start(name, type=type, project=project_name, root=root)
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
