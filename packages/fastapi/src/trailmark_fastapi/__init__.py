"""trailmark for FastAPI, Starlette and any ASGI application."""

from trailmark_fastapi._instrument import instrument
from trailmark_fastapi._middleware import TrailmarkMiddleware

__all__ = ["TrailmarkMiddleware", "instrument"]
