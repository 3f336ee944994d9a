"""Where encoded records wait: a file per process, or memory where there is no writable disk. Counts what it drops."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Final, Protocol

from trailmark import spool

__all__ = ["FileOutbox", "MemoryOutbox", "Outbox"]

SEGMENT_BYTES: Final = 8 * 1024 * 1024
MEMORY_BYTES: Final = 8 * 1024 * 1024


class Outbox(Protocol):
    """`put` from any thread, never waiting; `take` and `ack` from the sender alone, in turn."""

    mode: str
    recorded: int
    dropped: int

    def put(self, record: bytes) -> None: ...
    def take(self, limit: int, limit_bytes: int) -> list[bytes]:
        """Up to `limit` records, oldest first; the same ones again until they are acknowledged."""

    def ack(self) -> None:
        """What was last taken has arrived: forget it."""

    def pending(self) -> int:
        """Records put and not yet acknowledged."""

    def close(self) -> None: ...


class MemoryOutbox:
    """The last resort: bounded by bytes, the newest are dropped and counted."""

    mode = "memory"

    def __init__(self, limit_bytes: int = MEMORY_BYTES) -> None:
        self.recorded = self.dropped = 0
        self._limit = limit_bytes
        self._bytes = 0
        self._waiting: deque[bytes] = deque()
        self._taken = 0

    def put(self, record: bytes) -> None:
        self.recorded += 1
        if self._bytes + len(record) > self._limit:
            self.dropped += 1
            return
        self._bytes += len(record)
        self._waiting.append(record)

    def take(self, limit: int, limit_bytes: int) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        for record in list(self._waiting)[:limit]:
            size += len(record)
            if batch and size > limit_bytes:
                break
            batch.append(record)
        self._taken = len(batch)
        return batch

    def ack(self) -> None:
        for _ in range(self._taken):
            self._bytes -= len(self._waiting.popleft())
        self._taken = 0

    def pending(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        self._waiting.clear()


class FileOutbox:
    """One append-only file of CRC frames: when `put` returns, the record survives the process."""

    mode = "file"

    def __init__(self, home: Path, destination: str, limit_bytes: int) -> None:
        self.recorded = self.dropped = 0
        self._home, self._destination, self._limit = home, destination, limit_bytes
        self._folder = home / "spool"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._owner = f"{_boot()}-{os.getpid()}-{time.time_ns()}"
        self._mark = os.open(self._folder / f"{self._owner}.own", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.lockf(self._mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._others = _size(self._folder)
        self._written = self._acked = self._acked_records = 0
        self._number = 0
        self._fd = -1
        self._lock = threading.Lock()  # only around the change of segments
        self._reading: spool.Segment | None = None
        self._offset = self._next_offset = self._taken = 0
        self._new_segment()

    def put(self, record: bytes) -> None:
        self.recorded += 1
        data = spool.frame(record)
        if self._others + self._written - self._acked + len(data) > self._limit:
            self.dropped += 1
            return
        try:
            written = os.write(self._fd, data)
        except OSError:
            written = 0
        self._written += written
        if written < len(data):  # disk full: a torn frame is skipped by readers
            self.dropped += 1
            return
        if self._written // SEGMENT_BYTES >= self._number and self._lock.acquire(blocking=False):
            try:
                self._new_segment()
            finally:
                self._lock.release()

    def take(self, limit: int, limit_bytes: int) -> list[bytes]:
        while True:
            if self._reading is None and not self._next_segment():
                return []
            assert self._reading is not None
            batch, self._next_offset = spool.read(self._reading, self._offset, limit_bytes)
            if batch[limit:]:
                self._next_offset -= sum(len(spool.frame(record)) for record in batch[limit:])
                batch = batch[:limit]
            if batch:
                self._taken = len(batch) if self._reading.path.name.startswith(self._owner) else 0
                return batch
            if not self._finish_segment():
                return []

    def ack(self) -> None:
        self._acked += self._next_offset - self._offset
        self._acked_records += self._taken
        self._offset, self._taken = self._next_offset, 0

    def pending(self) -> int:
        return max(0, self.recorded - self.dropped - self._acked_records)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        os.close(fd)
        os.close(self._mark)
        for segment in self._own():
            if self._destination and not self.pending():
                spool.remove(segment)
        if not any(self._folder.glob(f"{self._owner}.*.seg")):
            (self._folder / f"{self._owner}.own").unlink(missing_ok=True)

    def _own(self) -> list[spool.Segment]:
        return [segment for segment in spool.segments(self._home) if segment.name.startswith(self._owner)]

    def _new_segment(self) -> None:
        path = self._folder / f"{self._owner}.{self._number}.seg"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(path, flags, 0o600)
        os.write(fd, spool.header(self._destination))
        before, self._fd = self._fd, fd
        self._number += 1
        if before >= 0:
            os.dup2(fd, before, inheritable=False)  # a thread that still holds the old number writes to the new file
            os.close(fd)
            self._fd = before

    def _next_segment(self) -> bool:
        """The oldest segment with our destination that is our own, or whose owner is dead."""
        for segment in spool.segments(self._home):
            mine = segment.name.startswith(self._owner)
            if segment.destination == self._destination and (mine or not segment.is_live):
                self._reading, self._offset = segment, 0
                return True
        return False

    def _finish_segment(self) -> bool:
        """Drop the segment being read if nothing can follow in it; False: wait for more."""
        assert self._reading is not None
        now = {segment.path: segment for segment in spool.segments(self._home)}.get(self._reading.path)
        if now is not None and not now.is_complete:
            return False
        if now is not None:
            records, self._next_offset = spool.read(now, self._offset)
            if records:
                self._reading = now
                return True
            spool.remove(now)
        self._reading = None
        return True


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().split("-")[0]
    except OSError:
        return "0"


def _size(folder: Path) -> int:
    total = 0
    for path in folder.glob("*.seg"):
        try:
            total += path.stat().st_size
        except OSError:  # taken by somebody while we looked
            continue
    return total
