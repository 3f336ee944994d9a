"""Every workspace is a store of its own; whoever asks for the store gets the one of the request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, TypeVar

from trailmark_server.keys import DEFAULT, check_workspace
from trailmark_server.store import QUERY_S, Capabilities, Health, Reader, Store, StoreError, Writer, open_store

__all__ = ["Workspaces", "current"]

R = TypeVar("R")
log = logging.getLogger("trailmark.server")
current: Final[ContextVar[str]] = ContextVar("workspace", default=DEFAULT)


class Workspaces:
    """A `Store` that is the current workspace's: opened when it is first asked for."""

    def __init__(self, default: Store, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Store] = {DEFAULT: default}
        self._lock = threading.Lock()

    @property
    def here(self) -> Store:
        """The store of the request that asks."""
        return self._at(current.get())

    def _at(self, name: str) -> Store:
        with self._lock:
            if name not in self._open:
                check_workspace(name)
                self._open[name] = open_store(self._folder / f"{name}.db", indexing=True)
            return self._open[name]

    @property
    def schema(self) -> int:
        return self.here.schema

    @schema.setter
    def schema(self, _: int) -> None:
        raise AttributeError("schema")

    @property
    def path(self) -> Path:
        return self.here.path

    @path.setter
    def path(self, _: Path) -> None:
        raise AttributeError("path")

    def put(
        self, records: Iterable[dict[str, Any]], owner: str = "", taken: tuple[str, dict[int, int]] | None = None
    ) -> None:
        self.here.put(records, owner, taken)

    def write(self, job: Callable[[Writer], R]) -> R:
        return self.here.write(job)

    def read(self, *, timeout_s: float | None = QUERY_S) -> AbstractContextManager[Reader]:
        return self.here.read(timeout_s=timeout_s)

    def index_text(self) -> int:
        return self.here.index_text()

    def capabilities(self) -> Capabilities:
        return self.here.capabilities()

    def health(self) -> Health:
        return self.here.health()

    def disk_bytes(self) -> int:
        return self.here.disk_bytes()

    def used_bytes(self) -> int:
        return self.here.used_bytes()

    def free_bytes(self) -> int:
        return self.here.free_bytes()

    def backup(self, path: Path) -> None:
        self.here.backup(path)

    def every(self) -> Iterator[Store]:
        """All there are, also those that nobody asked for yet; one that cannot be opened is said in the log."""
        names = sorted(path.stem for path in self._folder.glob("*.db"))
        for name in dict.fromkeys([*self.open(), *names]):
            try:
                yield self._at(name)
            except StoreError as error:
                log.warning("workspace %s cannot be opened: %s", name, error)

    def open(self) -> dict[str, Store]:
        """Those that were asked for, by name."""
        with self._lock:
            return dict(self._open)

    def close(self) -> None:
        """All of them, after what is queued is written."""
        for store in self.open().values():
            store.close()
