"""The writing side of the spool: every thread copies records into its own lane of a memory-mapped segment.

No lock is waited for and no system call is made while a lane has room. What does not fit a lane (large records, calls
from a signal handler or `__del__` inside `put`, a file system without mmap) is appended to a segment with one write.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from trailmark import spool
from trailmark._native import native_local
from trailmark._outbox import Put, Tally
from trailmark.wire import Tail, joined

__all__ = ["Lanes", "NoRoomError"]

RANGE_BYTES: Final = 64 * 1024
FIRST_RANGES: Final = 15  # with the header a file of 1 MB; later ones take 4 MB
LATER_RANGES: Final = 63
APPEND_BYTES: Final = 8 * 1024 * 1024
FILES_IN_A_SPOOL: Final = 8  # at least
COMPLETE_AFTER_TICKS: Final = 3  # a write that began before the change of files has ended by then

_pack_frame = spool.FRAME.pack_into
_MAGIC: Final = spool.FRAME_MAGIC
_crc32 = zlib.crc32
_ZEROS: Final = bytes(256 * 1024)
_pack_u32 = spool.U32.pack


_numbers = itertools.count(1)  # of all segments this process ever mapped


class NoRoomError(Exception):
    """No segment can be made: `reason` is full or disk."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Mapped:
    """A segment in memory, handed out range by range."""

    def __init__(self, path: Path, fd: int, ranges: int) -> None:
        self.path, self.fd = path, fd
        self.number = next(_numbers)
        self.ranges = ranges
        self.map = mmap.mmap(fd, spool.DATA_AT + ranges * RANGE_BYTES)
        self._free = [spool.DATA_AT + n * RANGE_BYTES for n in reversed(range(ranges))]

    def new_range(self) -> int:
        """The offset of a range nobody has; 0 when none is left. Atomic."""
        try:
            return self._free.pop()
        except IndexError:
            return 0

    @property
    def handed_out(self) -> int:
        """Ranges given to lanes so far."""
        return self.ranges - len(self._free)


class _Lane:
    """One thread's place: only that thread moves `pos`."""

    __slots__ = ("busy", "end", "home", "map", "number", "pos", "recorded", "segment")

    def __init__(self, home: Lanes) -> None:
        self.home = home
        self.map: Any = None
        self.segment: _Mapped | None = None
        self.pos = self.number = 0
        self.end = 0  # of its range; 0: the range is not to be used any more
        self.recorded = 0
        self.busy = False


class _Holder:
    """In the thread's local storage: when the thread ends, its lane goes back."""

    __slots__ = ("lane",)

    def __init__(self, lane: _Lane) -> None:
        self.lane = lane

    def __del__(self) -> None:
        lane = self.lane
        lane.home._spare.append(lane)


class Lanes:
    """Writes records for one owner. `make_room(bytes)` raises NoRoomError when the spool may not grow."""

    def __init__(
        self,
        folder: Path,
        owner: str,
        destination: str,
        make_room: Callable[[int], None],
        *,
        mapped: bool = True,
        sync: str = "off",
        limit_bytes: int = 1 << 40,
    ) -> None:
        share = limit_bytes // FILES_IN_A_SPOOL  # of a small spool no file may be so large that nothing fits beside it
        self._later_ranges = min(LATER_RANGES, max(FIRST_RANGES, share // RANGE_BYTES))
        self._append_bytes = min(APPEND_BYTES, share)
        self._folder, self._owner = folder, owner
        self._header = (spool.header(destination, RANGE_BYTES), spool.header(destination, 0))
        self._make_room, self._mapped, self._sync_always = make_room, mapped, sync == "always"
        self.put: Put = self._put_synced if self._sync_always else self._put
        self._numbers = itertools.count()
        self._local = native_local()
        self._lanes: list[_Lane] = []
        self._spare: list[_Lane] = []
        self._current: _Mapped | None = None
        self._ahead: _Mapped | None = None
        self._old: list[_Mapped] = []
        self._changing = False
        self._append_fd = -1
        self._append_path: Path | None = None
        self._append_old: list[tuple[int, Path]] = []
        self._append_used = 0
        self._ticks = 0
        self._appended = Tally()
        self.closed = False
        self.call: Callable[[], None] = _nothing  # to have `tend` called before its time
        if mapped:
            self._current = self._new_mapped(FIRST_RANGES)

    def _put(self, record: bytes, tail: Tail | None = None, /) -> None:
        """When this returns, the record survives the process. Raises NoRoomError or OSError when there is no place."""
        try:
            lane: _Lane = self._local.holder.lane
        except AttributeError:
            lane = self._new_lane()
        if lane.busy:  # a signal handler or __del__ came while this thread was writing
            self._append(joined(record, tail))
            return
        lane.busy = True
        try:
            if tail is not None:
                if not self._put_shared(lane, record, tail):
                    self._append(record + tail.data)
                    return
            else:
                at, length = lane.pos, len(record)
                after = at + ((length + 23) & -8)
                if after > lane.end:
                    at = self._move(lane, after - at)
                    if not at:
                        self._append(record)
                        return
                    after = at + ((length + 23) & -8)
                lane.map[at + 16 : at + 16 + length] = record
                _pack_frame(lane.map, at, _MAGIC, length, _crc32(record), 0)
                lane.pos = after
            lane.recorded += 1
        finally:
            lane.busy = False

    def _put_synced(self, record: bytes, tail: Tail | None = None, /) -> None:
        """As `_put`, and when this returns it survives the machine too."""
        self._put(record, tail)
        segment = self._local.holder.lane.segment
        if segment is not None:
            os.fdatasync(segment.fd)

    def _put_shared(self, lane: _Lane, record: bytes, tail: Tail) -> bool:
        """The record and its tail, or where the tail stands already; False when it fits no range."""
        length, more = len(record), len(tail.data)
        at = lane.pos
        segment, stands_at = tail.place
        refers = segment == lane.number
        if at + spool.frame_size(length + (4 if refers else more)) > lane.end:
            at = self._move(lane, spool.frame_size(length + more))
            if not at:
                return False
            refers = segment == lane.number
        end = at + 16 + length
        lane.map[at + 16 : end] = record
        crc = _crc32(_pack_u32(tail.crc), _crc32(record))
        if refers:
            lane.map[end : end + 4] = _pack_u32(stands_at)
            _pack_frame(lane.map, at, spool.SHARED_MAGIC, length + more, crc, more)
            lane.pos = at + spool.frame_size(length + 4)
        else:
            lane.map[end : end + more] = tail.data
            _pack_frame(lane.map, at, _MAGIC, length + more, crc, more)
            lane.pos = at + spool.frame_size(length + more)
            tail.place = (lane.number, end)
        return True

    def recorded(self) -> int:
        """Records written so far."""
        return sum(lane.recorded for lane in list(self._lanes)) + self._appended.value

    def tend(self) -> None:
        """Make the next segment ahead of need, retire what is left behind, mark what is complete."""
        self._ticks += 1
        current = self._current
        if current is not None and self._ahead is None and current.handed_out * 2 > current.ranges:
            with contextlib.suppress(NoRoomError, OSError):  # the lane that needs it will find out
                self._ahead = self._new_mapped(self._later_ranges)
        for segment in list(self._old):
            self._retire(segment)
        for entry in list(self._append_old):
            if entry[0] <= self._ticks:
                self._append_old.remove(entry)
                _complete(entry[1])

    def sync(self) -> None:
        """To the disk itself: what survives a crash of the machine."""
        mapped = [segment.fd for segment in [*self._old, self._current] if segment is not None]
        for fd in [*mapped, self._append_fd]:
            if fd >= 0:
                os.fdatasync(fd)

    def close(self) -> None:
        """No put may follow. Files shrink to what is used."""
        self.closed = True
        for segment in [*self._old, self._current, self._ahead]:
            if segment is not None:
                self._shrink(segment)
        if self._append_fd >= 0:
            os.close(self._append_fd)
            self._append_fd = -1

    def _new_lane(self) -> _Lane:
        try:
            lane = self._spare.pop()
        except IndexError:
            lane = _Lane(self)
            self._lanes.append(lane)
        self._local.holder = _Holder(lane)
        return lane

    def _move(self, lane: _Lane, size: int) -> int:
        """A fresh range for the lane; 0 when the record must be appended instead."""
        if size > RANGE_BYTES or not self._mapped:
            return 0
        while True:
            current = self._current
            at = current.new_range() if current is not None else 0
            if at and current is not None:
                lane.segment, lane.map, lane.pos, lane.end = current, current.map, at, at + RANGE_BYTES
                lane.number = current.number
                if self._ahead is None and current.handed_out * 2 > current.ranges:
                    self.call()
                return at
            if not self._change(current):
                return 0

    def _change(self, exhausted: _Mapped | None) -> bool:
        """Put a new segment in place; False when another thread is at it. Nobody waits."""
        if self._changing:
            return False
        self._changing = True
        try:
            if self._current is exhausted:
                fresh, self._ahead = self._ahead or self._new_mapped(self._later_ranges), None
                if exhausted is not None:
                    self._old.append(exhausted)
                self._current = fresh
        finally:
            self._changing = False
        return True

    def _new_mapped(self, ranges: int) -> _Mapped:
        size = spool.DATA_AT + ranges * RANGE_BYTES
        path, fd = self._create(size)
        try:
            os.posix_fallocate(fd, 0, size)  # no block is missing later: a full disk shows here, not as SIGBUS there
            for at in range(0, size, len(_ZEROS)):  # the first touch of a page then costs 0.1 µs, not 4
                os.pwrite(fd, _ZEROS, at)
            os.ftruncate(fd, size)
            os.pwrite(fd, self._header[0], 0)
            return _Mapped(path, fd, ranges)
        except BaseException:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise

    def _create(self, size: int) -> tuple[Path, int]:
        self._make_room(size)
        path = self._folder / f"{self._owner}.{next(self._numbers)}.seg"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        return path, os.open(path, flags, 0o600)

    def _append(self, record: bytes) -> None:
        """One write of a whole frame; the kernel keeps frames of several threads apart."""
        data = spool.frame(record)
        if self._append_fd < 0 or self._append_used + len(data) > max(self._append_bytes, len(data)):
            self._change_append(max(self._append_bytes, len(data)))
        fd = self._append_fd
        written = os.write(fd, data)
        if written < len(data):
            self._append_used = spool.MAX_RECORD  # the next record goes to a file without a torn frame
            raise OSError(f"wrote {written} of {len(data)} bytes")  # a torn frame, which readers skip
        self._append_used += written
        self._appended.add()
        if self._sync_always:
            os.fdatasync(fd)

    def _change_append(self, size: int) -> None:
        """A new file under the same descriptor, so that a thread about to write goes to the new one."""
        path, fd = self._create(size)
        try:
            try:
                os.pwrite(fd, self._header[1], 0)
            finally:
                os.close(fd)
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        before, old = self._append_fd, self._append_path
        self._append_used, self._append_path = 0, path
        if before < 0:
            self._append_fd = fd
            return
        os.dup2(fd, before, inheritable=False)
        os.close(fd)
        if old is not None:
            self._append_old.append((self._ticks + COMPLETE_AFTER_TICKS, old))

    def _retire(self, segment: _Mapped) -> None:
        """Complete an old segment once no lane can write to it any more.

        `put` sets busy before it looks at the end, here it is the other way round: one of the two sees the other.
        """
        for lane in list(self._lanes):
            if lane.segment is segment:
                lane.end = 0
                if lane.busy:
                    return
                lane.segment = lane.map = None
        self._old.remove(segment)
        self._shrink(segment)

    def _shrink(self, segment: _Mapped) -> None:
        """Nobody writes here again: say so, and give back what was not handed out."""
        used = spool.DATA_AT + segment.handed_out * RANGE_BYTES
        os.pwrite(segment.fd, b"\1\0\0\0", spool.COMPLETE_AT)
        segment.map.close()
        os.ftruncate(segment.fd, used)
        os.close(segment.fd)


def _nothing() -> None:
    """Nobody listens yet."""


def _complete(path: Path) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # taken and removed
        return
    try:
        os.pwrite(fd, b"\1\0\0\0", spool.COMPLETE_AT)
    finally:
        os.close(fd)
