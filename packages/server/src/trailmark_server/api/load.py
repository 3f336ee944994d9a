"""How much of what clients sent is in memory at once: bounded in bytes, however many they are."""

from __future__ import annotations

from typing import Any, Final

from trailmark_server.api.problems import Problem

__all__ = ["KEY", "Held", "Load", "held"]

KEY: Final = "trailmark.held"  # in the scope of a request
MAX_BYTES: Final = 256 * 1024 * 1024


class Load:
    """The bytes of all bodies that are being read or stored. Used on the event loop's thread only."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.bytes, self.max_bytes = 0, max_bytes


class Held:
    """The share of one request, until it is answered."""

    def __init__(self, load: Load) -> None:
        self._load, self._bytes = load, 0

    def add(self, size: int) -> None:
        """Problem 503 when it is too much beside what the others hold; senders come again."""
        others = self._load.bytes - self._bytes
        if others and self._load.bytes + size > self._load.max_bytes:
            raise Problem(
                503, "the server has its hands full with what came before; again in a second", retry_after_s=1
            )
        self._load.bytes += size
        self._bytes += size

    def release(self) -> None:
        self._load.bytes -= self._bytes
        self._bytes = 0


def held(scope: Any) -> Held:
    """That of this request."""
    found: Held = scope[KEY]
    return found
