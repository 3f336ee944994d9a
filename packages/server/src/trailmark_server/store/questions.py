"""What may be asked of any store: orders, groups, numbers, bounds."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["GROUPS", "METRICS", "QUERY_S", "SKELETON_PAGE", "SORTS", "Bounds", "Of"]

SORTS: Final = ("start", "duration", "cost", "tokens")  # of traces; `-` before one: the largest first
METRICS: Final = ("count", "errors", "latency", "ttft", "tokens", "cost", "scores")
GROUPS: Final = ("", "name", "user", "status", "tag", "model", "type", "provider")
SKELETON_PAGE: Final = 20_000  # spans
QUERY_S: Final = 5.0  # what one question may take: nobody waits longer for a page
Bounds = tuple[int | None, int | None]  # of the start, in microseconds: from, and before
Of = Literal["traces", "spans"]
