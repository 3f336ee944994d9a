"""Pictures, recordings and documents in captured values: taken out of the JSON, to be kept beside it."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from trailmark import wire
from trailmark._files import MAX_BYTES, File

__all__ = ["MEDIA_FROM", "Media", "TakeMedia", "may_have_media"]

TakeMedia: TypeAlias = Callable[[str, "str | bytes"], "str | None"]  # field and data → what to write in their place

MEDIA_FROM: Final = 32 * 1024  # characters of base64; what is shorter may stay, a page can show it
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w.=+-]*)*;base64,", re.ASCII)
_run: Final = re.compile(rb"[\w+/-]{256}", re.ASCII).match
_HEADS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
)
_INNER: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_ENDINGS: Final = {"jpeg": "jpg", "mpeg": "mp3", "svg+xml": "svg", "x-wav": "wav", "plain": "txt", "quicktime": "mov"}


def may_have_media(encoded: bytes) -> bool:
    """Whether there is base64 of `MEDIA_FROM` or more: such a run covers one of the places that are looked at."""
    step = MEDIA_FROM // 2
    return any(_run(encoded, at) for at in range(step, len(encoded), step))


class Media:
    """Takes media out of one span's or trace's values; `files` are to be written with its next record."""

    def __init__(self, *, keep: bool) -> None:
        self.files: list[File] = []
        self._keep = keep
        self._known: dict[int, str | None] = {}  # a value that has to be cut is walked again
        self._count = 0

    def take(self, field: str, data: str | bytes) -> str | None:
        """What to write in place of the data; None when it is no media."""
        kind, start = _told(data)
        if kind is None:
            return None
        key = hash(data)
        if key not in self._known:
            self._known[key] = self._taken(field, data, kind, start)
        return self._known[key]

    def _taken(self, field: str, data: str | bytes, kind: str, start: int) -> str | None:
        size = (len(data) - start - data[-2:].count("=")) * 3 // 4 if isinstance(data, str) else len(data)
        if size > MAX_BYTES:
            return f"[{kind}, {size} bytes]"
        content = _decoded(data, start) if isinstance(data, str) else data
        if content is None:
            return None
        if not self._keep or len(content) > MAX_BYTES:
            return f"[{kind}, {len(content)} bytes]"
        self._count += 1
        name = kind.partition("/")[2]
        # named as the opik SDK names its own, so that Opik's page shows them in place too
        name = f"{field}-attachment-{self._count}-{wire.now_us() // 1000}-sdk.{_ENDINGS.get(name, name)}"
        self.files.append(File(name, kind, content))
        return f"[{name}]"


def _told(data: str | bytes) -> tuple[str | None, int]:
    """Content type by the first bytes, and where the content begins; None when it is not known to be media."""
    if not isinstance(data, str):
        return _kind(data), 0
    if told := _DATA_URL.match(data):
        return told[1], told.end()
    try:
        return _kind(binascii.a2b_base64(data[:64].translate(_URL_SAFE))), 0
    except (binascii.Error, ValueError):
        return None, 0


def _decoded(data: str, start: int) -> bytes | None:
    """What the base64 from `start` on says; None when it is none."""
    padding = "=" * (-(len(data) - start) % 4)
    try:
        return binascii.a2b_base64(data[start:].translate(_URL_SAFE) + padding, strict_mode=True)
    except (binascii.Error, ValueError):
        return None


_URL_SAFE: Final = str.maketrans("-_", "+/")


def _kind(head: bytes) -> str | None:
    if head[:4] == b"RIFF":
        return _INNER.get(bytes(head[8:12]))
    if head[4:8] == b"ftyp":
        return "image/avif" if head[8:12] == b"avif" else "audio/mp4" if head[8:11] == b"M4A" else "video/mp4"
    return next((kind for start, kind in _HEADS if head.startswith(start)), None)
