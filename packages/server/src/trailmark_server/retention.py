"""Deletes what is older than the settings of each workspace say: at the start, then once an hour."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from trailmark_server.store import Store, StoreError, prune

__all__ = ["Keeper", "keep"]

EVERY_S: Final = 3600.0
_DAY_US: Final = 86_400_000_000
log = logging.getLogger("trailmark.server")


def keep(store: Store, now_us: int, is_over: Callable[[], bool] = lambda: False) -> int:
    """How many traces went. A project's own number of days stands before the one for all; null keeps for ever."""
    with store.read() as reader:
        settings: dict[str, Any] = reader.document("settings", "") or {}
        projects = [project["name"] for project in reader.projects()]
    days, own = settings.get("retention_days"), settings.get("retention_days_of") or {}
    count = 0
    for project in projects:
        if (kept := own.get(project, days)) is not None:
            count += prune(store, before_us=now_us - kept * _DAY_US, project=project, is_over=is_over)
    return count


class Keeper:
    """`keep` for every store, on a thread of its own."""

    def __init__(self, stores: Callable[[], Iterable[Store]]) -> None:
        self._stores = stores
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trailmark-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for store in self._stores():
                try:
                    keep(store, time.time_ns() // 1000, self._stop.is_set)
                except StoreError as error:
                    log.warning("retention waits: %s", error)
            if self._stop.wait(EVERY_S):
                return
