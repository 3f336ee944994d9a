"""What keeps a store small: old traces go in steps so short that nobody waits, their space goes back to the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trailmark_server.store.protocol import Store

__all__ = ["prune", "vacuum"]

TRACES: Final = 100  # a step
PAGES: Final = 256  # a step; 1 MB


def prune(
    store: Store,
    *,
    before_us: int | None = None,
    max_bytes: int | None = None,
    project: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Erase traces, the oldest first: that began before a time; until the data takes less than `max_bytes`; with
    neither, all of the project. Returns how many; `progress` gets how many so far; `is_over` may end it."""
    if before_us is None and max_bytes is None and project is None:
        raise ValueError("prune what? Give before_us, max_bytes or project")
    count = 0
    while max_bytes is None or store.used_bytes() > max_bytes:
        with store.read() as reader:
            ids = reader.oldest(TRACES, before_us=before_us, project=project)
        if not ids:
            break
        store.write(lambda writer, ids=ids: [writer.erase_trace(id) for id in ids])  # type: ignore[misc]
        while store.index_text():  # takes their words out of the text index
            pass
        count += len(ids)
        progress(count)
        if is_over():
            break
    vacuum(store, is_over)
    return count


def vacuum(store: Store, is_over: Callable[[], bool] = lambda: False) -> None:
    """Give free space back to the disk, in steps."""
    free = store.free_bytes()
    while free and not is_over():
        store.write(lambda writer: writer.vacuum(PAGES))
        before, free = free, store.free_bytes()
        if free >= before:  # others write as fast
            break
