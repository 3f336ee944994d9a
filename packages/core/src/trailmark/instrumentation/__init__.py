"""The kit for integrations: open spans, make them current, guard your own code, patch and undo."""

from trailmark._context import (
    Remote,
    continue_from,
    current,
    enter,
    entered,
    leave,
    register_current_span_provider,
    suppress,
    use_span,
)
from trailmark._guard import fault, guard
from trailmark._process import back_end, is_tracing_active
from trailmark._propagation import Headers, read_headers, write_headers
from trailmark._span import Span
from trailmark._start import claim_span, register_claim_provider, start_root_span, start_span
from trailmark.instrumentation.patching import original, patch, stands_for
from trailmark.instrumentation.queries import form_pairs, query_pairs
from trailmark.instrumentation.responses import Watcher, tee
from trailmark.model import UNSET, Unset

__all__ = [
    "UNSET",
    "Headers",
    "Remote",
    "Span",
    "Unset",
    "Watcher",
    "back_end",
    "claim_span",
    "continue_from",
    "current",
    "enter",
    "entered",
    "fault",
    "form_pairs",
    "guard",
    "is_tracing_active",
    "leave",
    "original",
    "patch",
    "query_pairs",
    "read_headers",
    "register_claim_provider",
    "register_current_span_provider",
    "stands_for",
    "start_root_span",
    "start_span",
    "suppress",
    "tee",
    "use_span",
    "write_headers",
]
