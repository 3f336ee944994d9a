"""Request bodies: read whole, inflated, bounded."""

from __future__ import annotations

import zlib
from typing import Any, Final

import orjson
from fastapi import Request

from trailmark_server.api.problems import Problem

__all__ = ["MAX_BODY", "read_body", "read_json"]

MAX_BODY: Final = 256 * 1024 * 1024  # inflated
MAX_RAW: Final = 64 * 1024 * 1024


async def read_body(request: Request) -> bytes:
    """The body without its encoding; 413 past the limits, 400 when it does not inflate."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > MAX_RAW:
            raise Problem(413, f"the body has more than {MAX_RAW} bytes")
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return bytes(data)
    if encoding not in ("gzip", "deflate"):
        raise Problem(415, f"Content-Encoding is {encoding!r}; allowed: gzip, deflate, identity")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        body = inflater.decompress(bytes(data), MAX_BODY)
    except zlib.error as error:
        raise Problem(400, f"the body is not {encoding}: {error}") from error
    if inflater.unconsumed_tail:
        raise Problem(413, f"the body inflates to more than {MAX_BODY} bytes")
    if not inflater.eof:
        raise Problem(400, f"the body is cut: its {encoding} does not end")
    return body


async def read_json(request: Request) -> dict[str, Any]:
    """A JSON object; NaN and Infinity, which Opik's SDK writes, read as null."""
    body = await read_body(request)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        value = _lenient(body, error)
    if not isinstance(value, dict):
        raise Problem(400, f"the body is {type(value).__name__}; allowed: a JSON object")
    return value


def _lenient(body: bytes, error: orjson.JSONDecodeError) -> Any:
    import json

    try:
        return json.loads(body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise Problem(400, f"the body is not JSON: {error}") from error
