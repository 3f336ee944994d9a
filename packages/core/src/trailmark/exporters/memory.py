"""Keeps every record it is given: for tests."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MemoryExporter"]


class MemoryExporter:
    """An exporter whose destination is a list."""

    link = ""

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def export(self, batch: Sequence[bytes]) -> None:
        self.records.extend(batch)

    def close(self) -> None:
        """Nothing to release."""
