"""The kit for integrations: open spans, make them current, guard your own code, patch and undo."""

from trailmark._client import is_tracing_active
from trailmark._context import use_span
from trailmark._guard import guard
from trailmark._span import Span
from trailmark._start import start_span
from trailmark.instrumentation.patching import patch

__all__ = ["Span", "guard", "is_tracing_active", "patch", "start_span", "use_span"]
