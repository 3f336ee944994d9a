"""Request bodies: read whole, inflated, bounded. What a body claims to be is not believed."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

import orjson
from fastapi import Request

from trailmark_server.api.load import held
from trailmark_server.api.problems import Problem
from trailmark_server.store import clean

__all__ = ["MAX_BODY", "read_body", "read_json", "to_json"]

MAX_BODY: Final = 64 * 1024 * 1024  # inflated or as it is
MAX_RATIO: Final = 200  # beyond what any log compresses to; looked at once a body is big
FREE_BYTES: Final = 8 * 1024 * 1024
_STEP: Final = 256 * 1024
_WINDOWS: Final = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


async def read_body(request: Request) -> bytes:
    """The body without its encoding; 413 past the limits, 415 for an encoding we do not know, 400 when it is broken."""
    told = request.headers.get("content-length", "0")
    if told.isdigit() and int(told[:18]) > MAX_BODY:
        raise _too_big()
    encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding != "identity" and encoding not in _WINDOWS:
        raise Problem(415, f"Content-Encoding is {encoding!r}; allowed: gzip, deflate, identity")
    inflater = None if encoding == "identity" else _Inflater(encoding)
    body, mine = bytearray(), held(request.scope)
    async for piece in request.stream():
        before = len(body)
        if inflater is None:
            body += piece
        else:
            inflater.feed(piece, body)
        mine.add(len(body) - before)
        if len(body) > MAX_BODY:
            raise _too_big()
    if inflater is not None:
        inflater.end()
    return bytes(body)


async def read_json(request: Request) -> dict[str, Any]:
    """A JSON object; NaN and Infinity, which Opik's SDK writes, read as null."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, f"Content-Type is {kind!r}; allowed: application/json")
    return to_json(await read_body(request))


def to_json(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; 400 for any other."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        value = _lenient(body, error)
    if not isinstance(value, dict):
        raise Problem(400, f"the body is {type(value).__name__}; allowed: a JSON object")
    return value


class _Inflater:
    """Inflates piece by piece, any number of members, and stops at what only a bomb does."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._one = zlib.decompressobj(_WINDOWS[encoding])
        self._taken = 0

    def feed(self, piece: bytes, body: bytearray) -> None:
        more = bool(piece)
        while more:
            if self._one.eof:  # a further member
                self._one = zlib.decompressobj(_WINDOWS[self._encoding])
            try:
                out = self._one.decompress(piece, _STEP)
            except zlib.error as error:
                raise Problem(400, f"the body is not {self._encoding}: {error}") from error
            body += out
            left = self._one.unused_data or self._one.unconsumed_tail
            self._taken += len(piece) - len(left)
            if len(body) > MAX_BODY or len(body) > FREE_BYTES + MAX_RATIO * self._taken:
                raise _too_big()
            piece = left
            more = bool(piece) or (len(out) == _STEP and not self._one.eof)

    def end(self) -> None:
        if not self._one.eof and self._taken:
            raise Problem(400, f"the body is cut: its {self._encoding} does not end")


def _too_big() -> Problem:
    return Problem(413, f"the body has more than {MAX_BODY} bytes, or inflates more than {MAX_RATIO} times")


def _lenient(body: bytes, error: orjson.JSONDecodeError) -> Any:
    """What Python's own JSON writer may have written: NaN, Infinity, half surrogates, numbers beyond 64 bits."""
    try:
        return clean(json.loads(body.decode(), parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        raise Problem(400, f"the body is not JSON: {error}") from error
