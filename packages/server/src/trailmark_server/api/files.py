"""Contents of attachments, so that nothing in them can act in the server's origin."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Response

from trailmark_server.store import Store

__all__ = ["file_response", "router"]

# What a browser may show in place: no markup, no scripts. Everything else is a download.
_SHOWN: Final = frozenset(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp")) | frozenset(
    f"{kind}/{name}" for kind in ("audio", "video") for name in ("mpeg", "mp4", "ogg", "wav", "webm", "x-wav")
)
_CSP: Final = "default-src 'none'; sandbox; frame-ancestors 'self'"


def router(store: Store) -> APIRouter:
    """`GET /api/v1/files/{id}`."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/files/{id}")
    def content(id: str) -> Response:
        with store.read() as reader:
            facts, data = reader.file(id)
        return file_response(facts["name"], facts["content_type"], data)

    return routes


def file_response(name: str, content_type: str, data: bytes) -> Response:
    """The content; shown in place only if its type cannot run anything."""
    is_shown = content_type in _SHOWN
    ways = "inline" if is_shown else "attachment"
    headers = {
        "Content-Disposition": f"{ways}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": _CSP,
        "Cache-Control": "private, max-age=3600",
    }
    return Response(data, media_type=content_type if is_shown else "application/octet-stream", headers=headers)
