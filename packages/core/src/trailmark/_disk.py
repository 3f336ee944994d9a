"""The outbox on disk: a writer, a backlog to read, bounds, and memory for as long as the disk refuses."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import orjson

from trailmark import spool
from trailmark._backlog import Backlog
from trailmark._guard import say, say_once
from trailmark._outbox import MemoryOutbox, Tally
from trailmark._owner import Owner
from trailmark._writer import NoRoomError, SpoolWriter
from trailmark.wire import Tail, joined

__all__ = ["DiskOutbox", "Sync", "open_outbox"]

Sync = Literal["off", "interval", "always"]
FREE_SHARE: Final = 0.05  # of the disk is never taken
RETRY_ROOM_S: Final = 1.0
SAY_EVERY_S: Final = 60.0


def open_outbox(home: Path, destination: str, limit_bytes: int, sync: Sync) -> DiskOutbox:
    """Mapped where the file system can, written otherwise. Raises OSError where nothing can be written."""
    try:
        return DiskOutbox(home, destination, limit_bytes, sync, mapped=True)
    except (OSError, NoRoomError, AttributeError):  # no fallocate or no mmap here, or no room now
        return DiskOutbox(home, destination, limit_bytes, sync, mapped=False)


class DiskOutbox:
    """When `put` returns, the record survives the process, unless the spool or the disk is full."""

    def __init__(self, home: Path, destination: str, limit_bytes: int, sync: Sync, *, mapped: bool) -> None:
        self.mode = "mmap" if mapped else "write"
        self._home, self._limit, self._sync = home, limit_bytes, sync
        self._folder = home / "spool"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refused_until = 0.0
        self._refused_because = ""
        self._owner = Owner(self._folder)
        try:
            self._writer = SpoolWriter(
                self._folder,
                self._owner.name,
                destination,
                self._make_room,
                mapped=mapped,
                sync=sync,
                limit_bytes=limit_bytes,
            )
        except BaseException:
            self._owner.release(remove=True)
            raise
        self.quick_put = self._writer.put
        self._backlog = Backlog(home, destination, self._owner.name, self.put) if destination else None
        self._ring = MemoryOutbox()
        self._from_ring = False
        self._moved = self._synced = self._lost_said = self._told = 0
        self._say_at = 0.0
        self._full = Tally()

    def put(self, record: bytes, tail: Tail | None = None, /) -> None:
        try:
            self._writer.put(record, tail)
        except (NoRoomError, OSError) as error:
            self.put_after(error, record, tail)

    def put_after(self, error: Exception, record: bytes, tail: Tail | None, /) -> None:
        if isinstance(error, NoRoomError) and error.reason == "full":
            self._full.add()
            return
        if isinstance(error, OSError):
            self._refuse("disk")  # not to try again for every record
        elif not isinstance(error, NoRoomError):
            raise error
        self._ring.put(joined(record, tail))

    def listen(self, call: Callable[[], None], /) -> None:
        self._writer.call = call

    def take(self, limit: int, limit_bytes: int) -> list[bytes]:
        self._from_ring = False
        batch = self._backlog.take(limit_bytes) if self._backlog is not None else []
        if not batch:
            batch = self._ring.take(limit, limit_bytes)
            self._from_ring = bool(batch)
        return batch

    def ack(self) -> None:
        if self._from_ring:
            self._ring.ack()
        elif self._backlog is not None:
            self._backlog.ack()

    def tend(self) -> None:
        if self._sync == "interval" and (recorded := self._writer.recorded()) != self._synced:
            self._synced = recorded
            try:
                self._writer.sync()
            except OSError as error:
                say_once("sync", f"{self._home} cannot be synced to disk ({error}); a power cut may cost spans")
        self._writer.tend()
        self._empty_ring()
        if self._backlog is not None:
            self._backlog.adopt()
        self._leave_word()
        if (lost := self._full.value) != self._lost_said and time.monotonic() > self._say_at:
            self._lost_said, self._say_at = lost, time.monotonic() + SAY_EVERY_S
            say(f"the spool in {self._home} is full; the newest records are dropped, {lost} so far")

    def adopt_now(self) -> None:
        """All that dead owners left, at once: for `spool flush`."""
        if self._backlog is not None:
            self._backlog.adopt(now=True)

    def has_backlog(self) -> bool:
        return self._backlog is not None and self._backlog.has_adopted

    def interrupt_open(self) -> bool:
        return self._backlog is not None and self._backlog.interrupt_open()

    def found(self) -> Counter[str]:
        """What could not be taken over from dead processes, by reason."""
        return +self._backlog.dropped if self._backlog is not None else Counter()

    @property
    def sweeps(self) -> int:
        return self._backlog.sweeps if self._backlog is not None else 0

    def recorded(self) -> int:
        carried = self._backlog.carried if self._backlog is not None else 0
        return self._writer.recorded() - carried + self._full.value + self._ring.recorded() - self._moved

    def pending(self) -> int:
        if self._backlog is None:  # on disk is where it is to be
            return self._ring.pending()
        return self.recorded() - self._backlog.acked - self._ring.acked - self.dropped().total()

    def dropped(self) -> Counter[str]:
        return Counter({"full": self._full.value}) + self._ring.dropped()

    def close(self) -> None:
        if self._backlog is not None:
            self._backlog.close()
        self._refused_until = 0.0
        self._empty_ring()
        self._ring.close()
        self._leave_word()
        self._writer.close()
        is_empty = not self._writer.recorded() or (self._backlog is not None and not self.pending())
        for segment in spool.segments(self._home, self._owner.name) if is_empty else []:
            segment.path.unlink(missing_ok=True)
        self._owner.release(remove=not any(self._folder.glob(f"{self._owner.name}.*.seg")))

    def _leave_word(self) -> None:
        """Of what was dropped, for the server on this home: a remote one is told by the sender."""
        dropped = dict(self.dropped())
        if self._backlog is None and sum(dropped.values()) != self._told:
            self._told = sum(dropped.values())
            report = {"client": f"{os.uname().nodename}-{os.getpid()}", "mode": self.mode, "dropped": dropped}
            self._owner.tell(orjson.dumps(report))

    def _empty_ring(self) -> None:
        """What had to wait in memory goes to the disk as soon as that takes it."""
        while self._ring.pending():
            [record] = self._ring.take(1, 1)
            try:
                self._writer.put(record)
            except (NoRoomError, OSError):
                return
            self._ring.ack()
            self._moved += 1

    def _make_room(self, size: int) -> None:
        """Raise NoRoomError when the spool may not take `size` bytes more; asked anew once a second."""
        if time.monotonic() < self._refused_until:
            raise NoRoomError(self._refused_because)
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize - size < FREE_SHARE * disk.f_blocks * disk.f_frsize:
            self._refuse("disk")
        elif _size(self._folder) + size > self._limit:
            self._refuse("full")
        else:
            return
        raise NoRoomError(self._refused_because)

    def _refuse(self, because: str) -> None:
        self._refused_because, self._refused_until = because, time.monotonic() + RETRY_ROOM_S


def _size(folder: Path) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += entry.stat(follow_symlinks=False).st_blocks * 512
            except OSError:  # taken by somebody while we looked
                continue
    return total
