"""LLM tracing: `@trailmark.track`, `trace()`, `span()`, context, scores. Nothing is started by importing it."""

from trailmark import context
from trailmark._blocks import span, trace
from trailmark._client import Client
from trailmark._pipeline import FlushResult
from trailmark._process import configure, flush, is_tracing_active, set_tracing_active, stats
from trailmark._track import track
from trailmark.context import update_current_span, update_current_trace
from trailmark.errors import TrailmarkError

__all__ = [
    "Client",
    "FlushResult",
    "TrailmarkError",
    "configure",
    "context",
    "flush",
    "is_tracing_active",
    "set_tracing_active",
    "span",
    "stats",
    "trace",
    "track",
    "update_current_span",
    "update_current_trace",
]
