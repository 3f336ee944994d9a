"""The beginning of a body as it passes, and what it says."""

from __future__ import annotations

import json
from typing import Any

from trailmark.instrumentation import form_pairs

__all__ = ["Body"]


class Body:
    """Keeps at most `limit` bytes, and counts the rest."""

    __slots__ = ("_kept", "_limit", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.size = 0

    def add(self, data: bytes) -> None:
        """A piece on its way."""
        if self._limit and (room := self._limit - len(self._kept)) > 0:
            self._kept += data[:room]
        self.size += len(data)

    def shown(self, content_type: str) -> Any:
        """JSON and forms as values, text as text; all else, and what is not what it says, by type and size."""
        kind, _, parameters = content_type.partition(";")
        kind = kind.strip().lower()
        facts = {"bytes": self.size, "content_type": kind}
        if not self.size or ("charset" in parameters and "utf-8" not in parameters.lower()):
            return facts if self.size else None
        is_whole = self.size == len(self._kept)
        try:
            text = self._kept.decode(errors="strict" if is_whole else "ignore")
            if kind == "application/json" or kind.endswith("+json"):
                return json.loads(text) if is_whole else {**facts, "beginning": text}
            if kind == "application/x-www-form-urlencoded" and is_whole:
                return form_pairs(text)
        except ValueError:
            return facts
        if kind.startswith("text/") or kind in ("application/x-ndjson", "application/xml"):
            return text if is_whole else f"{text}… [cut: {self.size} bytes in all]"
        return facts
