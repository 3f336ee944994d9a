"""The kit for integrations: open spans, make them current, guard your own code, patch and undo."""

from trailmark._context import Remote, continue_from, current, register_current_span_provider, suppress, use_span
from trailmark._guard import guard
from trailmark._process import is_tracing_active
from trailmark._propagation import Headers, read_headers, write_headers
from trailmark._span import Span
from trailmark._start import claim_span, register_claim_provider, start_span
from trailmark.instrumentation.patching import patch
from trailmark.model import UNSET, Unset

__all__ = [
    "UNSET",
    "Headers",
    "Remote",
    "Span",
    "Unset",
    "claim_span",
    "continue_from",
    "current",
    "guard",
    "is_tracing_active",
    "patch",
    "read_headers",
    "register_claim_provider",
    "register_current_span_provider",
    "start_span",
    "suppress",
    "use_span",
    "write_headers",
]
