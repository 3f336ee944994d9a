"""Realistic stores of any size, the same for the same seed: for the page's tests, benchmarks and looking around.

python -m trailmark_server.seed --spans 100000 --home /tmp/seeded
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from trailmark_server.seed.traces import traces
from trailmark_server.store import Store

__all__ = ["records", "seed"]

BATCH: Final = 2_000  # spans a transaction
DAY_US: Final = 86_400_000_000


def records(spans: int, *, until_us: int, seed: int = 0, days: float = 30.0) -> Iterator[dict[str, Any]]:
    """Checked native records of about so many spans, in the order they began, up to `until_us`."""
    for trace in traces(spans, seed=seed, start_us=int(until_us - days * DAY_US), until_us=until_us):
        yield from trace


def seed(
    store: Store,
    spans: int,
    *,
    until_us: int,
    seed: int = 0,
    days: float = 30.0,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Fill a store; `progress` gets how many records were stored so far. Returns how many."""
    made = records(spans, until_us=until_us, seed=seed, days=days)
    stored = 0
    while batch := list(islice(made, BATCH)):
        store.put(batch)
        stored += len(batch)
        progress(stored)
    return stored
