"""Values ↔ what the tables hold: ids as 16 bytes, JSON as text, payloads as zstd."""

from __future__ import annotations

import threading
from typing import Any, Final
from uuid import UUID

import orjson
import zstandard

from trailmark_server.store.clean import clean

__all__ = [
    "PREVIEW", "compressed", "dumps", "encoded", "id_bytes", "id_text", "loads", "opened", "pack", "preview", "unpack",
]  # fmt: skip

PREVIEW: Final = 200
MAX_BODY: Final = 256 * 1024 * 1024
_local = threading.local()


def id_bytes(text: str) -> bytes:
    """ValueError when it is no UUID."""
    return UUID(text).bytes


def id_text(data: bytes) -> str:
    """With hyphens."""
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def dumps(value: Any) -> str:
    """JSON text."""
    return _json(value).decode()


def loads(text: str | bytes | None, default: Any = None) -> Any:
    """The value of JSON text; `default` for null."""
    return default if text is None else orjson.loads(text)


def encoded(value: Any) -> bytes:
    """JSON as bytes."""
    return _json(value)


def compressed(text: bytes) -> bytes:
    """What `unpack` opens."""
    if not hasattr(_local, "packer"):
        _local.packer = zstandard.ZstdCompressor(level=3)
    packed: bytes = _local.packer.compress(text)
    return packed


def pack(value: Any) -> bytes:
    """Compressed JSON."""
    return compressed(_json(value))


def opened(data: bytes) -> bytes:
    """The JSON behind `pack`."""
    if not hasattr(_local, "unpacker"):
        _local.unpacker = zstandard.ZstdDecompressor()
    text: bytes = _local.unpacker.decompress(data, max_output_size=MAX_BODY)
    return text


def unpack(data: bytes) -> Any:
    """The value behind `pack`."""
    return orjson.loads(opened(data))


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a lone surrogate, a number beyond 64 bits, nesting beyond the writer's
        return orjson.dumps(clean(value))


def preview(value: Any) -> str | None:
    """A line for lists: the last message of a chat, the only text of an object, or its JSON; 200 characters."""
    if value is None:
        return None
    text = value if isinstance(value, str) else _text_of(value) or dumps(value)
    return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"


def _text_of(value: Any, depth: int = 0) -> str:
    """The words a person would look for in a chat, an answer or an object with one field."""
    if isinstance(value, str):
        return value
    if depth > 6:
        return ""
    if isinstance(value, dict):
        if isinstance(value.get("content"), (str, list)):
            return _text_of(value["content"], depth + 1)
        for key in ("messages", "choices", "message", "output", "text"):
            if value.get(key):
                return _text_of(value[key], depth + 1)
        if len(value) == 1:
            return _text_of(next(iter(value.values())), depth + 1)
        return ""
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        return _text_of(value[-1], depth + 1)
    return ""
