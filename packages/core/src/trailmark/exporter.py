"""THE SEAM: where batches of encoded records leave the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Exporter"]


class Exporter(Protocol):
    """Delivers one batch, once. Called from the sender's thread only; the sender owns retries and bisection."""

    link: str  # where a person sees a trace, with `{trace_id}`

    def export(self, batch: Sequence[bytes]) -> None:
        """Return when the destination has acknowledged every record; raise `ExportError` otherwise."""

    def close(self) -> None:
        """Release connections. The exporter is not used afterwards."""
