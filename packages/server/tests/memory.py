"""A second back end: the whole protocol of the store over the plain store in memory. Nothing here is fast.

That the server runs on it shows that nothing outside `store/` needs the embedded one.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trailmark_server.store import (
    Capabilities,
    Health,
)

from .memory_reader import MemoryReader
from .memory_rows import State
from .memory_writer import MemoryWriter
from .reference import Record


class MemoryStore:
    """One lock: whoever reads or writes is alone."""

    schema = 0

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = State()
        self._lock = threading.RLock()

    def put(self, records: Iterable[Record], owner: str = "", taken: tuple[str, dict[int, int]] | None = None) -> None:
        def store(writer: MemoryWriter) -> None:
            if taken is None or writer.advance(*taken):
                writer.put(records, owner)

        self.write(store)

    def write(self, job: Callable[[Any], Any]) -> Any:
        with self._lock:
            state = copy.deepcopy(self._state)
            result = job(MemoryWriter(state))
            self._state = state  # all of it, or when the job raises nothing
            return result

    @contextmanager
    def read(self, *, timeout_s: float | None = None) -> Iterator[MemoryReader]:
        del timeout_s
        with self._lock:
            state = self._state
        yield MemoryReader(state)

    def index_text(self) -> int:
        return 0

    def capabilities(self) -> Capabilities:
        return Capabilities("memory", "words", True, "exact", True, True)

    def health(self) -> Health:
        return Health("ok", "", 0)

    def disk_bytes(self) -> int:
        return 0

    def used_bytes(self) -> int:
        return 0

    def free_bytes(self) -> int:
        return 0

    def backup(self, path: Path) -> None:
        path.write_bytes(b"")

    def close(self) -> None:
        """There is nothing to do."""
