"""The reading side of the spool for a destination: this process's segments, and those that dead ones left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from trailmark import spool
from trailmark._owner import release, try_adopt
from trailmark.wire import OPEN, interrupted, is_open, jitter, newest, version_of

__all__ = ["Backlog", "unfinished"]

ADOPT_EVERY_S: Final = 30.0
ADOPT_WORK_S: Final = 0.05
MAX_OPEN: Final = 100_000
MAX_AGE_S: Final = 7 * 24 * 3600.0


def unfinished(segments: list[spool.Segment]) -> list[bytes]:
    """Open records whose end is in none of the segments, acknowledged ones included."""
    opened: dict[bytes, bytes] = {}
    ended: set[bytes] = set()
    for segment in segments:
        for record in spool.read(segment, spool.MAX_RECORD, from_start=True).records:
            head, ver = version_of(record)
            if is_open(record, ver):
                if head not in ended and (head not in opened or ver >= version_of(opened[head])[1]):
                    opened[head] = record
            elif ver > OPEN:
                ended.add(head)
                opened.pop(head, None)
    return list(opened.values())


class Backlog:
    """Takes batches from segments in turn, own first, and forgets what is acknowledged."""

    def __init__(self, home: Path, destination: str, owner: str, put: Callable[[bytes], None]) -> None:
        self._home, self._destination, self._owner, self._put = home, destination, owner, put
        self._adopted: list[spool.Segment] = []
        self._taken: tuple[spool.Segment, spool.Batch] | None = None
        self._heads: list[tuple[bytes, int]] = []  # of the records taken
        self._open: dict[bytes, str] = {}  # spans delivered as running → the segment their open record is in
        self._carried: Counter[bytes] = Counter()
        self._queue: list[spool.Segment] = []  # own segments still to look at in this sweep, newest first
        self._sweeping = False
        self.sweeps = 0
        self._next_adoption = 0.0
        self.acked = 0  # own records, each once
        self.carried = 0  # records written again, by us
        self.dropped: Counter[str] = Counter()

    def take(self, limit_bytes: int) -> list[bytes]:
        """Undelivered records, replaced ones left out: own segments in a sweep, then one batch of what was adopted."""
        if self._taken is not None:  # not acknowledged
            if self._taken[0].owner == self._owner:
                self._queue.append(self._taken[0])
            self._taken = None
        if not self._sweeping:
            self._queue = self._segments(self._owner)[::-1]
            self._sweeping = True
        while self._queue:
            if records := self._read(self._queue.pop(), limit_bytes):
                return records
        self._sweeping = False
        self.sweeps += 1
        for segment in list(self._adopted):
            if records := self._read(segment, limit_bytes):
                return records
        return []

    def _read(self, segment: spool.Segment, limit_bytes: int) -> list[bytes]:
        while batch := spool.read(segment, limit_bytes):
            self._taken = (segment, batch)
            self._heads = [version_of(record) for record in batch.records]
            if batch.records:
                if not batch.is_all and segment.owner == self._owner:
                    self._queue.append(segment)
                return newest(batch.records, self._heads)
            self.ack()  # nothing but damage
        if segment.is_complete:
            self._finish(segment)
        return []

    def ack(self) -> None:
        """The batch last taken has arrived."""
        if self._taken is None:
            return
        (segment, batch), self._taken = self._taken, None
        spool.ack(segment, batch)
        self.dropped["damaged bytes"] += batch.damaged
        if segment.owner != self._owner:
            return
        name = segment.name
        for (head, ver), record in zip(self._heads, batch.records, strict=True):
            runs = is_open(record, ver)
            if runs and head in self._carried:
                self._carried[head] -= 1
                if not self._carried[head]:
                    del self._carried[head]
            else:
                self.acked += 1
            if runs:
                self._open[head] = name
            else:
                self._open.pop(head, None)
        while len(self._open) > MAX_OPEN:  # a program that never ends its spans
            del self._open[next(iter(self._open))]

    def adopt(self, *, now: bool = False) -> None:
        """Take over what dead owners left for this destination; a little work every half minute."""
        if not now and time.monotonic() < self._next_adoption:
            return
        later = time.monotonic() + ADOPT_EVERY_S * jitter(0.7, 1.3)
        try:
            if not self._adopt_dead(None if now else time.monotonic() + ADOPT_WORK_S):
                later = 0.0
        finally:
            self._next_adoption = later  # not before: until it is set, something is about to be adopted

    def _adopt_dead(self, until: float | None) -> bool:
        """Whether all was looked at before time was up."""
        left: dict[str, list[spool.Segment]] = {}
        for segment in spool.segments(self._home):
            if segment.destination == self._destination and not segment.is_live:
                left.setdefault(segment.owner, []).append(segment)
        for owner, segments in left.items():
            if owner != self._owner and try_adopt(self._mark(owner)):
                self._take_over(segments)
                if until is not None and time.monotonic() > until:
                    return False
        return True

    @property
    def has_adopted(self) -> bool:
        """Whether something is adopted, or about to be, and still to be delivered."""
        return bool(self._adopted) or self._next_adoption == 0.0

    def interrupt_open(self) -> bool:
        """At the end of this process: spans that never ended are told so. Whether there were any."""
        records = unfinished(self._segments(self._owner)) if self._open else []
        self._open.clear()
        for record in records:
            self._carry(interrupted(record))
        return bool(records)

    def close(self) -> None:
        """Give adopted owners back."""
        for owner in {segment.owner for segment in self._adopted}:
            release(owner, self._mark(owner), remove=False)
        self._adopted.clear()

    def _take_over(self, segments: list[spool.Segment]) -> None:
        for record in unfinished(segments):
            self._carry(interrupted(record))
        for segment in segments:
            if time.time() - segment.path.stat().st_mtime > MAX_AGE_S:
                self.dropped["expired"] += len(spool.read(segment, spool.MAX_RECORD).records)
                segment.path.unlink(missing_ok=True)
            else:
                self._adopted.append(replace(segment, is_live=False, is_complete=True))
        self._release_if_done(segments[0].owner)

    def _finish(self, segment: spool.Segment) -> None:
        """All of it is delivered: remove it, but carry on the open records of spans that still run."""
        if segment.owner == self._owner:
            running = {head for head, name in self._open.items() if name == segment.name}
            for record in unfinished([segment]) if running else []:
                if version_of(record)[0] in running:
                    self._carry(record)
            segment.path.unlink(missing_ok=True)
        else:
            segment.path.unlink(missing_ok=True)
            self._adopted.remove(segment)
            self._release_if_done(segment.owner)

    def _carry(self, record: bytes) -> None:
        """Into this process's own segments, without counting as recorded."""
        self._carried[version_of(record)[0]] += 1
        self.carried += 1
        self._put(record)

    def _release_if_done(self, owner: str) -> None:
        if not any(segment.owner == owner for segment in self._adopted):
            release(owner, self._mark(owner), remove=True)

    def _segments(self, owner: str) -> list[spool.Segment]:
        return spool.segments(self._home, owner)

    def _mark(self, owner: str) -> Path:
        return self._home / "spool" / f"{owner}.own"
