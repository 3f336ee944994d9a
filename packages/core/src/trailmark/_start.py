"""Opens spans in the process's default pipeline; shared by @track, the block forms and the integrations' kit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trailmark._context import current, is_suppressed
from trailmark._guard import fault
from trailmark._process import active_pipeline
from trailmark._span import Span
from trailmark.model import UNSET, Unset
from trailmark.wire import OPEN

if TYPE_CHECKING:
    from trailmark._pipeline import Pipeline

__all__ = ["claim_span", "register_claim_provider", "start_root_span", "start_span"]

_claim_providers: tuple[Callable[[], Span | None], ...] = ()


def register_claim_provider(provider: Callable[[], Span | None]) -> Callable[[], None]:
    """Ask `provider` for the model call this code runs in, where that is not the current span. Returns its removal.

    For frameworks that let no context into the body of a model's call. It must be quick and must not raise.
    """
    global _claim_providers  # noqa: PLW0603 - replaced whole, read without a lock
    _claim_providers = (*_claim_providers, provider)

    def remove() -> None:
        global _claim_providers  # noqa: PLW0603
        _claim_providers = tuple(other for other in _claim_providers if other is not provider)

    return remove


def start_span(
    name: str,
    *,
    type: str = "general",
    project_name: str | None = None,
    parent: Span | Unset | None = UNSET,
    claimable: bool = False,
    input: Any = UNSET,
    by_hand: bool = False,
    trace_fields: dict[str, Any] | None = None,
    **fields: Any,
) -> Span | None:
    """A child of `parent` (default: the current span; None: a new trace), or a root; None when tracing is off.

    Not made current. `fields` are those of `Span.update`; `trace_fields` go to the trace when this is its root.
    `input` is left out where the settings say so, unless the user gave it (`by_hand`).
    `claimable`: a framework's model call; the provider's integration below adds to this span (`claim_span`).
    """
    try:
        line = active_pipeline()
        if line is None or is_suppressed():
            return None
        span = line.recorder.start(name, type=type, project=project_name, parent=parent)
        if claimable:
            span.claim = "open"
        if input is not UNSET and (by_hand or line.recorder.keep_input):
            span.set_input(input)
        if fields:
            _set_all("span", span.set, fields)
        if trace_fields or not line.has_told:
            _begin_trace(line, span, trace_fields)
        span.write(OPEN)
    except Exception as error:  # noqa: BLE001 - the seam of every traced call: the caller must never see our faults
        fault("starting a span", error)
        return None
    return span


def start_root_span(name: str, input: Callable[[], dict[str, Any]], text: str, *, is_brief: bool) -> Span | None:
    """As `start_span(name, parent=None, input=input())`, for what every request pays for.

    `text` is all that tells this input from others of spans of this name, so what is the same is captured once.
    `is_brief`: the input is a short, flat mapping, and no other text in it can hold a secret.
    """
    try:
        line = active_pipeline()
        if line is None or is_suppressed():
            return None
        recorder = line.recorder
        span = Span(recorder, name, "general", None, recorder.project)
        if recorder.keep_input:
            known = recorder.root_endings.get((name, text, is_brief))
            span.ending = known or recorder.root_ending(name, input(), text, is_brief=is_brief)
        if not line.has_told:
            line.tell(span.project, span.trace_id)
        span.write(OPEN)
    except Exception as error:  # noqa: BLE001 - as above
        fault("starting a span", error)
        return None
    return span


def _begin_trace(line: Pipeline, span: Span, fields: dict[str, Any] | None) -> None:
    """What is due with its root only."""
    if span.owns_trace:
        if fields and span.trace is not None:
            _set_all("trace", span.trace.update, fields)
        line.tell(span.project, span.trace_id)


def _set_all(what: str, set: Callable[..., None], fields: dict[str, Any]) -> None:
    """A bad field costs itself: not the span, and not the other fields."""
    try:
        set(**fields)
    except Exception as error:  # noqa: BLE001 - as above
        if len(fields) == 1:
            fault(f"setting the fields of a {what}", error)
            return
        for name, value in fields.items():
            _set_all(what, set, {name: value})


def claim_span() -> Span | None:
    """The framework's open model call this code runs in, once; the claimer adds model, usage and answer to it.

    One model call is one `llm` span: who claims opens none of its own, and leaves the end to the framework.
    """
    for look in (current, *_claim_providers):
        span = look()
        if span is not None and span.claim == "open" and not span.is_ended:
            span.claim = "taken"
            return span
    return None
