"""Answers of the read API: JSON bytes with an ETag, 304 for who has them already, compressed when it pays."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any, Final

import orjson
from fastapi import Request, Response

__all__ = ["answer", "known"]

_SMALL: Final = 2048
_LEVEL: Final = 5
_HEADERS: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}


def answer(request: Request, value: Any, *, tag: str | None = None) -> Response:
    """The value as JSON. `tag` names its state when that is known more cheaply than by its bytes."""
    body = orjson.dumps(value)
    etag = _etag(tag or hashlib.blake2b(body, digest_size=12).hexdigest())
    headers = {**_HEADERS, "ETag": etag}
    if _has(request, etag):
        return Response(status_code=304, headers=headers)
    if len(body) > _SMALL and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, _LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)


def known(request: Request, tag: str) -> Response | None:
    """304 when the asker has what the tag names: before anything is read for it."""
    etag = _etag(tag)
    return Response(status_code=304, headers={**_HEADERS, "ETag": etag}) if _has(request, etag) else None


def _etag(tag: str) -> str:
    return f'W/"{tag}"'


def _has(request: Request, etag: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return etag in (one.strip() for one in given.split(","))
