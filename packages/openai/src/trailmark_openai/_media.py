"""Pictures, recordings and files inside JSON → their kind and size. Text of any length stays text. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["file_facts", "sized", "without_media"]

LIMIT: Final = 64 * 1024  # what is shorter may stay: a page can show it
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_=-]{512}")
_DATA_URL: Final = re.compile(r"data:[\w.+/;=-]{0,200},")
_ALWAYS: Final = ("b64_json", "partial_image_b64")


def without_media(value: Any, depth: int = 8) -> Any:
    """The value with large media named by their size; what has none comes back as it is, not copied."""
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
    """A picture that was made, by its size alone."""
    found = {key: f"<{_size(answer[key])} bytes>" for key in _ALWAYS if isinstance(answer.get(key), str)}
    return {**answer, **found} if found else answer


def file_facts(name: str, content: Any) -> dict[str, Any]:
    """An uploaded file by its name and size; it is not read."""
    given, data = (content[0], content[1]) if isinstance(content, tuple) else (getattr(content, "name", None), content)
    size = len(data) if isinstance(data, (bytes, bytearray, str)) else None
    return {"field": name, "name": str(given) if given else None, "bytes": size}


def _named(text: str) -> str:
    head = _DATA_URL.match(text)
    start = head.end() if head else 0
    if _BASE64.match(text, start) is None:
        return text
    return f"{text[:start]}<{_size(text) - start * 3 // 4} bytes>"


def _size(encoded: str) -> int:
    return len(encoded) * 3 // 4
