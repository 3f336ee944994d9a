"""The seam of the store: what a back end gives, and how it says what it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from trailmark_server.store.read import Reader
from trailmark_server.store.write import Writer

__all__ = ["Capabilities", "Health", "Store"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Where back ends differ, said openly."""

    backend: str
    text: Literal["words", "substring"]  # what a bare word in a query finds
    phrases: bool  # whether quoted words must stand side by side
    quantiles: Literal["exact", "approximate"]
    reads_own_writes: bool  # whether a read sees what was acknowledged before it began
    snapshots: bool  # whether all answers of one `read` are of one moment


@dataclass(frozen=True, slots=True)
class Health:
    """`state` other than "ok": writes are refused, reads go on. `unindexed`: spans that a text search reads itself."""

    state: Literal["ok", "full", "damaged"]
    detail: str
    unindexed: int


class Store(Protocol):
    """Traces, spans, scores and attachments of one workspace."""

    schema: int
    path: Path

    def put(
        self, records: Iterable[dict[str, Any]], owner: str = "", taken: tuple[str, dict[int, int]] | None = None
    ) -> None:
        """Store checked records (`ingest.records`); returns after the commit.

        `taken`: the spool file they are of and how far each of its ranges was read; what was stored before is left out.
        """

    def write(self, job: Callable[[Writer], R]) -> R:
        """Run the job in one transaction and return after its commit; what it raises is raised, and nothing stored."""

    def read(self, *, timeout_s: float | None = 30) -> AbstractContextManager[Reader]:
        """A view of one moment; a query over the time limit raises TooLongError."""

    def index_text(self) -> int:
        """Index a batch of the texts that wait; returns how many that were."""

    def capabilities(self) -> Capabilities:
        """Where this back end differs."""

    def health(self) -> Health:
        """Whether it takes writes, and how far its text index is."""

    def disk_bytes(self) -> int:
        """What it takes on disk."""

    def used_bytes(self) -> int:
        """What its data takes."""

    def free_bytes(self) -> int:
        """What a vacuum would give back to the disk."""

    def backup(self, path: Path) -> None:
        """A copy of this moment, checked, while writes go on. StoreError when it cannot be made or does not check."""

    def close(self) -> None:
        """After what is queued is written."""
