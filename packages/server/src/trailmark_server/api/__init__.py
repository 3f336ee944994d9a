"""Routes: native and Opik ingest, the read API, the page."""

from trailmark_server.api.app import create_app

__all__ = ["create_app"]
