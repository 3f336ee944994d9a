"""From the spool of this machine's programs into the store: live, and what dead ones left."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from trailmark import spool

from trailmark_server.ingest.records import check
from trailmark_server.store import Store, StoreError, Writer

__all__ = ["LocalIngester"]

POLL_S: Final = 0.1  # what a program recorded is on the page within two of them
OWNERS_S: Final = 1.0
MOST_REPORTS: Final = 1000
MOST_ROUNDS: Final = 1000  # of about 4 MB for each program
log = logging.getLogger("trailmark.server")


class LocalIngester:
    """Takes segments without a destination. How far each was read is stored with its records: none is stored twice.

    `heard` is told what programs here say of themselves: their mode, and what they dropped; `arrived` what was stored.
    """

    def __init__(
        self,
        store: Store,
        home: Path,
        heard: Callable[[str], None] | None = None,
        arrived: Callable[[list[dict[str, Any]]], None] | None = None,
    ) -> None:
        self._store, self._home, self._heard, self._arrived = store, home, heard, arrived
        self._said: dict[str, None] = {}  # reports passed on, in order
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trailmark-ingester", daemon=True)
        self._owners_at = 0.0
        self._count = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def once(self) -> int:
        """Take all there is now; returns how many records that was."""
        before = self._count
        for _ in range(MOST_ROUNDS):  # bounded: a program may record faster than we store
            if not self._round():
                break
        return self._count - before

    def _round(self) -> bool:
        """A batch of each program, so that a busy one keeps no other waiting; whether there was any."""
        self._pass_on()  # first: with its last segment an owner's mark goes
        found = [segment for segment in spool.segments(self._home) if not segment.destination]
        served: set[str] = set()
        for segment in found:
            if segment.owner in served:
                continue
            if batch := spool.read(segment):
                served.add(segment.owner)
                self._take(segment, batch)
            elif segment.is_complete:
                spool.remove(segment)
                self._store.write(partial(_finish, str(segment.path)))
        dead = any(not segment.is_live for segment in found)
        if not served and (dead or time.monotonic() - self._owners_at > OWNERS_S):
            self._owners_at = time.monotonic()
            self._store.write(lambda writer: self._interrupt_dead(writer.owners(), writer.interrupt))
        return bool(served)

    def _pass_on(self) -> None:
        if self._heard is None:
            return
        for report in spool.reports(self._home):
            text = report.decode(errors="replace")
            if text not in self._said:
                self._said[text] = None
                self._heard(text)
        while len(self._said) > MOST_REPORTS:
            del self._said[next(iter(self._said))]

    def has_waiting(self) -> bool:
        """Whether a segment holds what was not taken yet."""
        return any(spool.read(s, 1) for s in spool.segments(self._home) if not s.destination)

    def _take(self, segment: spool.Segment, batch: spool.Batch) -> None:
        with self._store.read() as reader:
            prices = reader.prices()
        good, bad = check(batch.records, prices)
        for rejection in bad[:3]:
            log.warning("a record in %s was not stored: %s: %s", segment.name, rejection.field, rejection.message)
        self._store.put(good, segment.owner, (str(segment.path), batch.reached))
        spool.ack(segment, batch)
        if good and self._arrived is not None:  # a batch may be a step past what is no record
            self._arrived(good)
        self._count += len(good)

    def _interrupt_dead(self, owners: list[str], interrupt: object) -> None:
        assert callable(interrupt)
        for owner in owners:
            if not spool.is_live(self._home, owner) and not spool.segments(self._home, owner):
                interrupt(owner)

    def _run(self) -> None:
        waiting = False
        while not self._stop.wait(0 if waiting else POLL_S):
            try:
                waiting = self._round()
            except (OSError, StoreError) as error:
                log.warning("local ingest waits: %s", error)
                waiting = False
                self._stop.wait(5)
        with contextlib.suppress(OSError, StoreError):
            self.once()


def _finish(path: str, writer: Writer) -> None:
    writer.finish(path)
