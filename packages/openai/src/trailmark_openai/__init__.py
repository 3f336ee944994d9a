"""trailmark for OpenAI clients."""

from trailmark_openai._hooks import instrument, track_openai, untrack_openai

__all__ = ["instrument", "track_openai", "untrack_openai"]
