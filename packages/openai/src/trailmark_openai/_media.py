"""Pictures, recordings and files: what the core does not take out of JSON by itself. Pure.

Base64 of a kind the core knows stays where it is, and becomes an attachment when it is captured; of any other its size
is told. Text of any length stays text.
"""

from __future__ import annotations

import mimetypes
import re
from typing import Any, Final

from trailmark.model import Attachment

__all__ = ["LIMIT", "body_media", "file_facts", "file_media", "sized", "without_media"]

LIMIT: Final = 64 * 1024  # what is shorter may stay
_MOST: Final = 16 * 1024 * 1024  # what is larger is no attachment
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_=-]{512}")
_ALWAYS: Final = ("b64_json", "partial_image_b64")
# How the base64 of PNG, JPEG, GIF, WebP and WAV, MP3, Ogg, FLAC and PDF begins.
_KNOWN: Final = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "SUQz", "//uQ", "//OQ", "T2dnUw", "ZkxhQ", "JVBERi")


def without_media(value: Any, depth: int = 8) -> Any:
    """The value with large base64 of no known kind named by its size; what has none comes back as it is, not copied."""
    if isinstance(value, str):
        return _named(value) if len(value) > LIMIT else value
    if depth and isinstance(value, list):
        items = [without_media(item, depth - 1) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if depth and isinstance(value, dict):
        fields = {key: without_media(item, depth - 1) for key, item in value.items()}
        return fields if any(fields[key] is not value[key] for key in value) else value
    return value


def sized(answer: dict[str, Any]) -> dict[str, Any]:
    """A picture that was made, by its size alone where its kind is not known."""
    found = {
        key: f"<{_size(text)} bytes>"
        for key in _ALWAYS
        if isinstance(text := answer.get(key), str) and _is_unknown(text)
    }
    return {**answer, **found} if found else answer


def file_facts(name: str, content: Any) -> dict[str, Any]:
    """An uploaded file by its name and size; it is not read."""
    given, data = _parts(content)
    size = len(data) if isinstance(data, (bytes, bytearray, str)) else None
    return {"field": name, "name": str(given) if given else None, "bytes": size}


def file_media(files: Any) -> list[Attachment]:
    """Uploaded files whose content is at hand; one that would have to be read is left to who sends it."""
    sent = files.values() if isinstance(files, dict) else [content for _, content in files or ()]
    return [
        Attachment(data, str(name))
        for name, data in map(_parts, sent)
        if name and isinstance(data, bytes) and 0 < len(data) <= _MOST
    ]


def body_media(content: bytes, kind: str) -> list[Attachment]:
    """An answer that is a recording, a picture or a video itself."""
    what = kind.partition("/")[0]
    if what not in ("audio", "image", "video") or not 0 < len(content) <= _MOST:
        return []
    return [Attachment(content, f"{what}{mimetypes.guess_extension(kind) or ''}", kind)]


def _named(text: str) -> str:
    return f"<{_size(text)} bytes>" if _BASE64.match(text) and _is_unknown(text) else text


def _is_unknown(text: str) -> bool:
    return not text.startswith(_KNOWN)


def _size(encoded: str) -> int:
    return len(encoded) * 3 // 4


def _parts(content: Any) -> tuple[Any, Any]:
    return (content[0], content[1]) if isinstance(content, tuple) else (getattr(content, "name", None), content)
