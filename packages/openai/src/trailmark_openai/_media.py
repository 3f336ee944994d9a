"""Pictures, recordings and files inside JSON → their name and size, and what is to be stored beside the record.

Text of any length stays text.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["SMALL", "Media", "body_media", "file_facts", "file_media", "without_media"]

SMALL: Final = 4096  # what is shorter is no picture
MOST: Final = 10 * 1024 * 1024  # what is larger is named by its size alone
_LARGE: Final = 64 * 1024  # of a kind nobody knows: what is shorter stays
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_=-]{512}")
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[\w.+/;=-]{0,200},")
_ALWAYS: Final = ("b64_json", "partial_image_b64")
_KINDS: Final = (  # how their base64 begins
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "audio/wav"),  # or WebP: what follows tells
    ("SUQz", "audio/mpeg"),
    *((f"//{letter}", "audio/mpeg") for letter in "MNOPopqrstuv"),  # no tag: the first frame
    ("T2dnUw", "audio/ogg"),
    ("ZkxhQ", "audio/flac"),
    ("JVBERi", "application/pdf"),
)
_WEBP: Final = "XRUJQ"  # "WEBP" at the ninth byte
_MOST_NAMES: Final = 1000
_names: dict[tuple[int, int], str] = {}
_ENDINGS: Final = {"audio/wav": ".wav", "audio/mpeg": ".mp3", "image/jpeg": ".jpg", "audio/ogg": ".ogg"}


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, recording or document; `data` as it was found: text is base64 from `start` on."""

    name: str
    content_type: str
    data: str | bytes
    start: int = 0


def without_media(value: Any, found: list[Media] | None, depth: int = 8) -> Any:
    """The value with media named by their size; what has none comes back as it is, not copied.

    Those that can be shown are added to `found`, and their names to their sizes, unless it is None.
    """
    kind = type(value)
    if kind is str:
        return value if len(value) < SMALL else _named(value, found)
    if depth and kind is list:
        items = [without_media(item, found, depth - 1) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if depth and kind is dict:
        fields = {key: _field(key, item, found, depth) for key, item in value.items()}
        return fields if any(fields[key] is not value[key] for key in value) else value
    return value


def file_facts(name: str, content: Any) -> dict[str, Any]:
    """An uploaded file by its name and size; it is not read."""
    given, data = _parts(content)
    size = len(data) if isinstance(data, (bytes, bytearray, str)) else None
    return {"field": name, "name": str(given) if given else None, "bytes": size}


def file_media(content: Any) -> list[Media]:
    """An uploaded file whose content is at hand; one that would have to be read is left to who sends it."""
    given, data = _parts(content)
    if not given or not isinstance(data, bytes) or not 0 < len(data) <= MOST:
        return []
    return [Media(str(given), mimetypes.guess_type(str(given))[0] or "application/octet-stream", data)]


def body_media(content: bytes, kind: str) -> list[Media]:
    """An answer that is a recording, a picture or a video itself."""
    if kind.partition("/")[0] not in ("audio", "image", "video") or not 0 < len(content) <= MOST:
        return []
    return [Media(_name(content, kind), kind, content)]


def _field(key: str, item: Any, found: list[Media] | None, depth: int) -> Any:
    if key in _ALWAYS and type(item) is str and item:
        return _described(item, 0, _kind(item), found)
    return without_media(item, found, depth - 1)


def _named(text: str, found: list[Media] | None) -> str:
    head = _DATA_URL.match(text)
    if head is not None and ";base64" not in head[0]:
        return text
    start = head.end() if head else 0
    if _BASE64.match(text, start) is None:
        return text
    kind = head[1] if head and head[1] else _kind(text)
    return text if kind is None and len(text) <= _LARGE else _described(text, start, kind, found)


def _described(text: str, start: int, kind: str | None, found: list[Media] | None) -> str:
    size = (len(text) - start) * 3 // 4
    if found is None or kind is None or size > MOST:
        return f"{text[:start]}<{size} bytes>"
    key = (len(text), hash(text))  # kept in the text itself: a picture sent with every turn is looked at once
    name = _names.get(key)
    if name is None:
        name = _names[key] = _name(text[start:].encode(errors="replace"), kind)
        while len(_names) > _MOST_NAMES:
            _names.pop(next(iter(_names), key), None)
    found.append(Media(name, kind, text, start))
    return f"{text[:start]}<{size} bytes: {name}>"


def _kind(encoded: str) -> str | None:
    found = next((kind for begin, kind in _KINDS if encoded.startswith(begin)), None)
    return "image/webp" if found == "audio/wav" and encoded.startswith(_WEBP, 11) else found


def _name(data: bytes, kind: str) -> str:
    """The same content has the same name."""
    ending = _ENDINGS.get(kind) or mimetypes.guess_extension(kind) or ".bin"
    return f"{kind.partition('/')[0]}-{hashlib.blake2b(data, digest_size=6).hexdigest()}{ending}"


def _parts(content: Any) -> tuple[Any, Any]:
    return (content[0], content[1]) if isinstance(content, tuple) else (getattr(content, "name", None), content)
