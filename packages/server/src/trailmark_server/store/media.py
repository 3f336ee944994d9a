"""Images, audio and files in payloads: their bytes become blobs by hash, a reference stands in their place.

A reference is `trailmark-media:<sha256>:<bytes>:<url or raw>:<type>`; put back, the payload is what it was.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

__all__ = ["MIN_TEXT", "REFERENCE", "may_hold", "put_back", "references", "taken_out"]

MIN_TEXT: Final = 1024  # characters of base64; less is not worth a row
MAX_DEPTH: Final = 64
REFERENCE: Final = re.compile(r"trailmark-media:([0-9a-f]{64}):(\d+):(url|raw):(.{0,200})", re.DOTALL)
_URL: Final = re.compile(r"data:([^,]{0,200});base64,")
_TYPES: Final = ("media_type", "mime_type", "mimeType", "format")
_MARKS: Final = (b";base64,", b'"base64"', b'"inline_data"', b'"inlineData"', b'"input_audio"', b'"audio"')


def may_hold(text: bytes) -> bool:
    """Whether it is worth looking into this JSON."""
    return len(text) > MIN_TEXT and any(mark in text for mark in _MARKS)


def taken_out(value: Any, found: dict[bytes, bytes], depth: int = 0) -> Any:
    """The value with references; `found` gets the contents by hash."""
    if isinstance(value, str):
        return _url(value, found) if value.startswith("data:") else value
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [taken_out(part, found, depth + 1) for part in value]
    if isinstance(value, dict):
        shown = {key: taken_out(part, found, depth + 1) for key, part in value.items()}
        data, kind = value.get("data"), next((value[key] for key in _TYPES if isinstance(value.get(key), str)), None)
        if isinstance(data, str) and not data.startswith("data:") and (kind or value.get("id")):
            # Anthropic's source, Google's inline_data, OpenAI's input_audio and audio answer
            shown["data"] = _reference(data, "raw", kind or "audio", found) or data
        return shown
    return value


def put_back(value: Any, content: Callable[[bytes], bytes | None]) -> Any:
    """The value as it came; a reference without content stays."""
    if isinstance(value, str):
        return _restored(value, content) if value.startswith("trailmark-media:") else value
    if isinstance(value, list):
        return [put_back(part, content) for part in value]
    if isinstance(value, dict):
        return {key: put_back(part, content) for key, part in value.items()}
    return value


def references(text: bytes) -> bool:
    """Whether this JSON holds a reference."""
    return b"trailmark-media:" in text


def _url(text: str, found: dict[bytes, bytes]) -> str:
    head = _URL.match(text, 0, 300)
    return (head and _reference(text[head.end() :], "url", head[1], found)) or text


def _reference(text: str, way: str, kind: str, found: dict[bytes, bytes]) -> str | None:
    """None unless decoding and encoding give the very same text."""
    if len(text) < MIN_TEXT or len(kind) > 200:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.b64encode(data).decode() != text:
        return None
    sha = hashlib.sha256(data)
    found[sha.digest()] = data
    return f"trailmark-media:{sha.hexdigest()}:{len(data)}:{way}:{kind}"


def _restored(text: str, content: Callable[[bytes], bytes | None]) -> str:
    parts = REFERENCE.fullmatch(text)
    data = content(bytes.fromhex(parts[1])) if parts else None
    if parts is None or data is None:
        return text
    head = f"data:{parts[4]};base64," if parts[3] == "url" else ""
    return head + base64.b64encode(data).decode()
