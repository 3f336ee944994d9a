"""trailmark for httpx and httpx2 clients."""

from trailmark_httpx._hooks import instrument, track_httpx, untrack_httpx

__all__ = ["instrument", "track_httpx", "untrack_httpx"]
