"""Contents of attachments, so that nothing in them can act in the server's origin."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Response

from trailmark_server.store import Store

__all__ = ["file_response", "kind_of", "preview_response", "router"]

# What a browser may show in place: no markup, no scripts. Everything else is a download.
_SHOWN: Final = frozenset(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp")) | frozenset(
    f"{kind}/{name}" for kind in ("audio", "video") for name in ("mpeg", "mp4", "ogg", "wav", "webm", "x-wav")
)
_CSP: Final = "default-src 'none'; sandbox; frame-ancestors 'self'"
_PREVIEW_CSP: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
_MAGIC: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"), (0, b"\xff\xd8\xff", "image/jpeg"), (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"), (8, b"WEBP", "image/webp"), (4, b"ftypavif", "image/avif"), (0, b"BM", "image/bmp"),
    (8, b"WAVE", "audio/wav"), (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"), (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"), (0, b"fLaC", "audio/flac"), (4, b"ftypM4A", "audio/mp4"), (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)  # fmt: skip


def router(store: Store) -> APIRouter:
    """`GET /api/v1/files/{id}`, and `/blobs/{sha}` for a content by its hash."""
    routes = APIRouter(prefix="/api/v1", tags=["files"])
    raw: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}

    @routes.get("/blobs/{sha}", response_class=Response, responses=raw)
    def blob(sha: str) -> Response:
        with store.read() as reader:
            data = reader.blob(sha)
        response = file_response(f"{sha[:12]}", kind_of(data), data)
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response

    @routes.get("/files/{id}", response_class=Response, responses=raw)
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


def kind_of(data: bytes) -> str:
    """The type by the first bytes; what is on no list is not shown in place."""
    for at, magic, kind in _MAGIC:
        if data[at : at + len(magic)] == magic and (magic not in (b"WEBP", b"WAVE") or data[:4] == b"RIFF"):
            return kind
    return "application/octet-stream"


def preview_response(text: str) -> Response:
    """HTML or SVG that a person asked to see: nothing in it runs, nothing leaves."""
    is_svg = text.lstrip()[:200].lower().startswith(("<svg", "<?xml"))
    headers = {"Content-Security-Policy": _PREVIEW_CSP, "Cache-Control": "no-store"}
    kind = "image/svg+xml" if is_svg else "text/html; charset=utf-8"
    return Response(text.encode(errors="replace"), media_type=kind, headers=headers)
