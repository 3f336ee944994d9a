"""The writing side of the spool: a record is copied into a mapped segment, behind the one before it.

`mmap.write` looks for room, copies and moves on in one step, which nothing in this process can come between: neither
another thread (the GIL), nor a signal handler, `__del__` or greenlet. So there is no lock, and no system call while a
range has room; ranges are mapped ahead, so that going on in the next is a few steps of Python. What is too large, or
comes while another thread takes those steps, is appended to a file with one write; so is all where there is no mmap,
or no GIL.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from trailmark import spool
from trailmark._outbox import Put, Tally
from trailmark.wire import Tail

__all__ = ["NoRoomError", "SpoolWriter"]

FIRST_RANGE: Final = 512 * 1024  # bytes; a segment has two, so the first takes 1 MB
LATER_RANGE: Final = 2 * 1024 * 1024
MAX_FRAME: Final = 256 * 1024  # what is left of a range when the next comes is less than that
APPEND_BYTES: Final = 8 * 1024 * 1024
FILES_IN_A_SPOOL: Final = 8  # at least
COMPLETE_AFTER_TICKS: Final = 3  # a write that began before the change of files has ended by then

_pack_frame = spool.FRAME.pack
_pack_u32 = spool.U32.pack
_MAGIC: Final = spool.FRAME_MAGIC
_PADDING: Final = tuple(bytes(-n & 7) for n in range(8))  # by length: frames begin at multiples of 8
_crc32 = zlib.crc32
_ZEROS: Final = bytes(64 * 1024)  # more at once makes the kernel look for larger pages, at up to 20 times the price
_UNMAP: Final[int | None] = getattr(mmap, "MADV_DONTNEED", None) if sys.platform == "linux" else None
_has_gil: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)

_numbers = itertools.count(1)  # of all segments this process ever mapped


class NoRoomError(Exception):
    """No segment can be made: `reason` is full or disk."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Range(NamedTuple):
    """Where records go now."""

    map: mmap.mmap
    write: Callable[[bytes], int]
    starts_at: int  # of the map, in the file
    number: int  # of its segment


class _Segment:
    """A file of two ranges, both mapped: when the first is full, the sender makes the next segment."""

    def __init__(self, path: Path, fd: int, range_bytes: int) -> None:
        self.path, self.fd = path, fd
        number = next(_numbers)
        self.waiting = [_map(fd, spool.DATA_AT + n * range_bytes, range_bytes, number) for n in (1, 0)]
        self.begun: list[_Range] = []

    def next_range(self) -> _Range | None:
        """None when both were begun."""
        if not self.waiting:
            return None
        self.begun.append(self.waiting.pop())
        return self.begun[-1]

    def close(self, *, synced: bool = False) -> None:
        """Nobody can write from here on: say so, and give back what is not used."""
        used = spool.DATA_AT
        for each in self.begun:
            used = _end_of(each, self.fd)
        for each in self.waiting:
            each.map.close()
        if synced:
            os.fdatasync(self.fd)
        os.pwrite(self.fd, b"\1\0\0\0", spool.COMPLETE_AT)
        os.ftruncate(self.fd, used)
        os.close(self.fd)


class SpoolWriter:
    """Writes records for one owner. `make_room(bytes)` raises NoRoomError when the spool may not grow."""

    put: Put  # when it returns, the record survives the process; raises NoRoomError or OSError when there is no place

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
        self._later_range = LATER_RANGE if share >= 2 * LATER_RANGE else FIRST_RANGE
        self._append_bytes = min(APPEND_BYTES, share)
        self._folder, self._owner = folder, owner
        self._destination = destination
        self._make_room, self._sync_always = make_room, sync == "always"
        self._numbers = itertools.count()
        self._range: _Range | None = None
        self._write: Callable[[bytes], int] = _nowhere  # of the range's map
        self._current: _Segment | None = None
        self._ahead: _Segment | None = None
        self._old: list[_Segment] = []
        self._changing = False
        self._append_fd = -1
        self._append_path: Path | None = None
        self._append_old: list[tuple[int, Path]] = []
        self._append_used = 0
        self._ticks = 0
        self._recorded = Tally()
        self._count = self._recorded.add
        self.closed = False
        self.call: Callable[[], None] = _nothing  # to have `tend` called before its time
        self.put = self._put_synced if self._sync_always else self._put
        if mapped and _has_gil():
            self._current = self._new_segment(FIRST_RANGE)
            self._go_on(self._current)

    def _put(self, record: bytes, tail: Tail | None = None, /) -> None:
        if tail is not None:
            self._put_shared(record, tail)
            return
        length = len(record)
        frame = b"".join((_pack_frame(_MAGIC, length, _crc32(record), 0), record, _PADDING[length & 7]))
        write, count = self._write, self._count
        try:
            write(frame)
        except ValueError:  # the range is full
            self._write_on(frame, write)
        count()

    def _put_synced(self, record: bytes, tail: Tail | None = None, /) -> None:
        """As `_put`; when it returns, the record survives the machine too."""
        before = self._current
        self._put(record, tail)
        now = self._current
        if before is not None and before is not now:  # a thread went on, with this record or after it
            with contextlib.suppress(OSError):  # closed since, and synced with that
                os.fdatasync(before.fd)
        if now is not None:
            os.fdatasync(now.fd)

    def _put_shared(self, record: bytes, tail: Tail) -> None:
        size = spool.frame_size(len(record) + len(tail.data))
        now = self._range
        while now is None or not _write_shared(now, record, tail):
            if not self._goes_on(size, now.write if now is not None else _nowhere):
                self._append(spool.frame(record + tail.data))
                break
            now = self._range
        self._count()

    def _write_on(self, frame: bytes, full: Callable[[bytes], int]) -> None:
        """In the next range, or appended."""
        while self._goes_on(len(frame), full):
            full = self._write
            with contextlib.suppress(ValueError):  # others were quick to fill it
                full(frame)
                return
        self._append(frame)

    def _goes_on(self, size: int, full: Callable[[bytes], int]) -> bool:
        """Whether there is a new range to try. False: it would not fit one, another thread makes one, none can be.

        Nobody waits. Raises ValueError when this is closed.
        """
        if self.closed:
            raise ValueError("the spool is closed")
        if size > MAX_FRAME or self._changing or self._current is None:
            return False
        self._changing = True
        try:
            if self._write is full and not self._go_on(self._current):
                fresh, self._ahead = self._ahead or self._new_segment(self._later_range), None
                self._old.append(self._current)
                self._current = fresh
                self._go_on(fresh)
        finally:
            self._changing = False
        return True

    def _go_on(self, segment: _Segment) -> bool:
        """In its next range, if it has one."""
        fresh = segment.next_range()
        if fresh is None:
            return False
        self._range, self._write = fresh, fresh.write
        if self._ahead is None and not segment.waiting:
            self.call()
        return True

    def recorded(self) -> int:
        """Records written so far."""
        return self._recorded.value

    def tend(self) -> None:
        """Make the next segment ahead of need, and mark what is complete."""
        self._ticks += 1
        current = self._current
        if current is not None and self._ahead is None and not current.waiting:
            with contextlib.suppress(NoRoomError, OSError):  # who needs it will find out
                self._ahead = self._new_segment(self._later_range)
        while self._old:
            self._old.pop(0).close(synced=self._sync_always)
        for entry in list(self._append_old):
            if entry[0] <= self._ticks:
                self._append_old.remove(entry)
                _complete(entry[1])

    def sync(self) -> None:
        """To the disk itself: what survives a crash of the machine."""
        segments = [segment for segment in [*self._old, self._current] if segment is not None]
        if _UNMAP is not None:  # all pages at once, or the kernel interrupts the other cores for each that it writes
            for each in [each for segment in segments for each in segment.begun]:
                with contextlib.suppress(ValueError):  # closed since
                    each.map.madvise(_UNMAP)
        mapped = [segment.fd for segment in segments]
        for fd in [*mapped, self._append_fd]:
            if fd >= 0:
                os.fdatasync(fd)

    def close(self) -> None:
        """No put may follow: one that does raises ValueError. Files shrink to what is used."""
        self.closed = True
        for segment in [*self._old, self._current, self._ahead]:
            if segment is not None:
                segment.close()
        if self._append_fd >= 0:
            os.close(self._append_fd)
            self._append_fd = -1

    def _new_segment(self, range_bytes: int) -> _Segment:
        size = spool.DATA_AT + 2 * range_bytes
        path, fd = self._create(size)
        try:
            os.posix_fallocate(fd, 0, size)  # no block is missing later: a full disk shows here, not as SIGBUS there
            for at in range(0, size, len(_ZEROS)):  # the first touch of a page then costs 0.2 µs, not 4
                os.pwrite(fd, _ZEROS, at)
            os.ftruncate(fd, size)
            os.pwrite(fd, spool.header(self._destination, range_bytes), 0)
            return _Segment(path, fd, range_bytes)
        except BaseException:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise

    def _create(self, size: int) -> tuple[Path, int]:
        self._make_room(size)
        path = self._folder / f"{self._owner}.{next(self._numbers)}.seg"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        return path, os.open(path, flags, 0o600)

    def _append(self, data: bytes) -> None:
        """One write of a whole frame; the kernel keeps frames of several threads apart."""
        if self._append_fd < 0 or self._append_used + len(data) > max(self._append_bytes, len(data)):
            self._change_append(max(self._append_bytes, len(data)))
        fd = self._append_fd
        written = os.write(fd, data)
        if written < len(data):
            self._append_used = spool.MAX_RECORD  # the next record goes to a file without a torn frame
            raise OSError(f"wrote {written} of {len(data)} bytes")  # a torn frame, which readers skip
        self._append_used += written
        if self._sync_always:
            os.fdatasync(fd)

    def _change_append(self, size: int) -> None:
        """A new file under the same descriptor, so that a thread about to write goes to the new one."""
        path, fd = self._create(size)
        try:
            try:
                os.pwrite(fd, spool.header(self._destination, 0), 0)
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


def _write_shared(now: _Range, record: bytes, tail: Tail) -> bool:
    """The record and its tail, or where in this segment that stands already; False when it does not fit."""
    length, more = len(record), len(tail.data)
    crc = _crc32(_pack_u32(tail.crc), _crc32(record))
    segment, stands_at = tail.place
    try:
        if segment == now.number:
            head = _pack_frame(spool.SHARED_MAGIC, length + more, crc, more)
            now.write(b"".join((head, record, _pack_u32(stands_at), _PADDING[length + 4 & 7])))
            return True
        frame = b"".join(
            (_pack_frame(_MAGIC, length + more, crc, more), record, tail.data, _PADDING[length + more & 7])
        )
        at = now.map.tell()
        now.write(frame)
    except ValueError:  # full, or closed
        return False
    with contextlib.suppress(ValueError):  # closed since
        if now.map.tell() == at + len(frame):  # otherwise another thread came between our looks
            tail.place = (now.number, now.starts_at + at + spool.FRAME.size + length)
    return True


def _map(fd: int, at: int, size: int, number: int) -> _Range:
    offset = at - at % mmap.ALLOCATIONGRANULARITY
    mapped = mmap.mmap(fd, at - offset + size, offset=offset)
    mapped.seek(at - offset)
    return _Range(mapped, mapped.write, offset, number)


def _end_of(each: _Range, fd: int) -> int:
    """Close the map; returns where its records end in the file, at most."""
    used, whole = each.starts_at + each.map.tell(), each.starts_at + len(each.map)
    each.map.close()
    return whole if any(os.pread(fd, whole - used, used)) else used  # a thread was quick to write between the two


def _nowhere(_frame: bytes) -> int:
    raise ValueError("nothing is mapped")


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
