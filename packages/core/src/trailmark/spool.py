"""The spool's file format and its readers: what a process recorded, on disk, until somebody takes it.

`<home>/spool/<owner>.own` is locked by its living owner (`_owner.py`); `<owner>.<n>.seg` are its segments:

    0      "TRAILMK\\n" | u32 length | u32 crc32 | JSON {version, destination, range_bytes}
    2040   u32 complete: nothing will be added
    2048   u32 × 512 acknowledged: how far each range was taken, in bytes
    4096   ranges of `range_bytes`; with 0 a single one to the end of the file, appended to

A range is a sequence of frames, 8-aligned: `magic | u32 length | u32 crc32 | u32 tail | record`, little-endian. With a
tail, the last `tail` bytes of the record are summed apart: `crc32(record's head + u32 crc32(record's tail))`; a frame
with the second magic has in place of them `u32 offset`: where in the file they stand, written with an earlier version.
Reading never fails on damage: what is damaged is skipped and counted once nothing can be added to the segment.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from trailmark._owner import is_alive, owner_of, told

__all__ = ["FORMAT", "Batch", "Segment", "ack", "frame", "header", "is_live", "read", "remove", "reports", "segments"]

FORMAT: Final = 1
MAX_RECORD: Final = 64 * 1024 * 1024
COMPLETE_AT: Final = 2040
ACKED_AT: Final = 2048
MAX_RANGES: Final = 512
DATA_AT: Final = 4096
FRAME_MAGIC: Final = int.from_bytes(b"\xf7TM\x01", "little")
FRAME: Final = struct.Struct("<IIII")
SHARED_MAGIC: Final = int.from_bytes(b"\xf7TM\x02", "little")
_FIRST_STEP: Final = 64 * 1024
_MAGIC: Final = b"TRAILMK\n"
_FRAME_BYTES: Final = b"\xf7TM"
_HEAD: Final = struct.Struct("<II")
U32: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the spool. `destination` is a URL, or empty for the local store."""

    path: Path
    destination: str
    version: int
    range_bytes: int
    is_live: bool  # the owner still runs, or somebody adopted it
    is_complete: bool  # nothing will be added

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def owner(self) -> str:
        return owner_of(self.path)


@dataclass(slots=True)
class Batch:
    """Records and how far they reach in each range; `damaged` counts bytes that could not be read."""

    records: list[bytes] = field(default_factory=list)
    reached: dict[int, int] = field(default_factory=dict)
    damaged: int = 0
    is_all: bool = True  # nothing more was there to read

    def __bool__(self) -> bool:
        return bool(self.reached)


def header(destination: str, range_bytes: int, version: int = FORMAT) -> bytes:
    """The first 4096 bytes of a segment."""
    body = orjson.dumps({"version": version, "destination": destination, "range_bytes": range_bytes})
    head = _MAGIC + _HEAD.pack(len(body), zlib.crc32(body)) + body
    if len(head) > COMPLETE_AT:
        raise ValueError(f"destination is {len(destination)} characters long; allowed: 1900")
    return head.ljust(DATA_AT, b"\0")


def frame_size(length: int) -> int:
    """Bytes a record of this length takes in a range."""
    return (length + FRAME.size + 7) & -8


def frame(record: bytes) -> bytes:
    """One record, framed."""
    head = FRAME.pack(FRAME_MAGIC, len(record), zlib.crc32(record), 0)
    return (head + record).ljust(frame_size(len(record)), b"\0")


def segments(home: Path, owner: str = "") -> list[Segment]:
    """All readable segments of a home, or of one owner in it, oldest first; those of a newer format are left alone."""
    folder = home / "spool"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - looked at several times a second
    except OSError:
        return []
    paths = sorted((folder / name for name in names if name.endswith(".seg") and name.startswith(owner)), key=_age)
    alive: dict[str, bool] = {}
    found = []
    for path in paths:
        head = _read_header(path)
        if head is None or head[1] > FORMAT:
            continue
        owner = owner_of(path)
        if owner not in alive:
            alive[owner] = is_alive(folder / f"{owner}.own")
        found.append(Segment(path, *head[:3], is_live=alive[owner], is_complete=head[3] or not alive[owner]))
    return found


def is_live(home: Path, owner: str) -> bool:
    """Whether the owner still runs."""
    return is_alive(home / "spool" / f"{owner}.own")


def read(segment: Segment, limit_bytes: int = 4_000_000, *, from_start: bool = False) -> Batch:
    """What was not acknowledged yet, about `limit_bytes` of it; `from_start`: all that is still in the file."""
    batch = Batch()
    try:
        fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return batch
    try:
        size = os.fstat(fd).st_size
        span = segment.range_bytes or max(size - DATA_AT, 1)
        count = min(MAX_RANGES, -(-(size - DATA_AT) // span)) if size > DATA_AT else 0
        acked = b"" if from_start else os.pread(fd, 4 * count, ACKED_AT)
        for n in range(count):
            if limit_bytes <= 0:
                batch.is_all = False
                break
            at = U32.unpack_from(acked, 4 * n)[0] if 4 * n + 4 <= len(acked) else 0
            left = min(span, size - DATA_AT - n * span) - at
            if left >= FRAME.size:
                limit_bytes -= _read_range(fd, n, n * span + DATA_AT, at, left, limit_bytes, batch, segment.is_complete)
    finally:
        os.close(fd)
    return batch


def ack(segment: Segment, batch: Batch) -> None:
    """What this batch holds has arrived. Lost with a crash of the machine at worst: then it is read again."""
    try:
        fd = os.open(segment.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        for n, reached in batch.reached.items():
            os.pwrite(fd, U32.pack(reached), ACKED_AT + 4 * n)
    finally:
        os.close(fd)


def remove(segment: Segment) -> None:
    """Delete a segment that was taken, and its owner's mark when it was the last of a dead owner."""
    segment.path.unlink(missing_ok=True)
    folder, owner = segment.path.parent, segment.owner
    if not segment.is_live and not any(folder.glob(f"{owner}.*.seg")):
        (folder / f"{owner}.own").unlink(missing_ok=True)


def _read_range(fd: int, n: int, start: int, at: int, left: int, limit: int, batch: Batch, at_end: bool) -> int:
    """Read on in one range, step by step, as it may hold little; returns the bytes used."""
    used, step = 0, _FIRST_STEP
    while left - used >= FRAME.size:
        if used >= limit:
            batch.is_all = False
            break
        wanted = min(left - used, step)
        data = os.pread(fd, wanted, start + at + used)
        is_last = wanted == left - used
        parsed, damaged = _parse(fd, data, batch.records, at_end=at_end and is_last)
        used, batch.damaged = used + parsed, batch.damaged + damaged
        if (not parsed and is_last) or (not at_end and parsed < wanted and not any(data[parsed : parsed + 4])):
            break  # as far as it was written when we looked: who writes meanwhile is not followed
        # nothing: one record larger than the step, or damage at its start
        step = min(2 * step, limit) if parsed else left - used
    if used:
        batch.reached[n] = at + used
    return used


def _parse(fd: int, data: bytes, records: list[bytes], *, at_end: bool) -> tuple[int, int]:
    """Append whole records; returns the bytes used and those of them that were damaged.

    `at_end`: nothing can be added behind this data, so what does not read is damage and is searched through.
    """
    at = damaged = 0
    effort = 4 * len(data) + MAX_RECORD  # a file full of magic must not cost the square of its size
    while at + FRAME.size <= len(data):
        magic, length, crc, tail = FRAME.unpack_from(data, at)
        if magic == FRAME_MAGIC and not tail and length:  # nearly all frames: no call for each
            plain = data[at + 16 : at + 16 + length]
            if zlib.crc32(plain) == crc and len(plain) == length:
                records.append(plain)
                at += (length + 23) & -8
                continue
        record, size, cost = _frame_at(fd, data, at) if effort > 0 else (None, 0, 0)
        effort -= cost
        if record is not None:
            records.append(record)
            at += size
            continue
        if not at_end:
            return at, damaged
        found = data.find(_FRAME_BYTES, at + 1) if effort > 0 else -1
        found = found if found >= 0 else len(data)
        damaged += found - at if any(data[at:found]) else 0
        at = found
    return (len(data) if at_end else min(at, len(data))), damaged


def _frame_at(fd: int, data: bytes, at: int) -> tuple[bytes | None, int, int]:
    """The record whose frame begins here, the frame's size, and the bytes looked at; None when it does not check."""
    magic, length, crc, tail = FRAME.unpack_from(data, at)
    body = at + FRAME.size
    is_shared = magic == SHARED_MAGIC
    here = length - tail + 4 if is_shared else length
    if not (is_shared or magic == FRAME_MAGIC) or not max(tail, 1) <= length <= MAX_RECORD or body + here > len(data):
        return None, 0, 0
    record = data[body : body + here]
    if is_shared:
        record = record[:-4] + os.pread(fd, tail, U32.unpack(record[-4:])[0])
    split = len(record) - tail
    found = zlib.crc32(record if not tail else record[:split])
    if tail:
        found = zlib.crc32(U32.pack(zlib.crc32(record[split:])), found)
    return (record if found == crc and len(record) == length else None), frame_size(here), length


def _read_header(path: Path) -> tuple[str, int, int, bool] | None:
    """Destination, version, range_bytes and whether it is complete; None when it is no segment."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            head = os.pread(fd, ACKED_AT, 0)
        finally:
            os.close(fd)
        length, crc = _HEAD.unpack_from(head, len(_MAGIC))
        body = head[len(_MAGIC) + _HEAD.size :][:length]
        if not head.startswith(_MAGIC) or zlib.crc32(body) != crc:
            return None
        fields = orjson.loads(body)
        complete = U32.unpack_from(head, COMPLETE_AT)[0] != 0
        return str(fields["destination"]), int(fields["version"]), int(fields["range_bytes"]), complete
    except (OSError, struct.error, ValueError, KeyError, TypeError):
        return None


def _age(path: Path) -> tuple[str, int]:
    owner, _, rest = path.name.partition(".")
    number = rest.partition(".")[0]
    return owner.rsplit("-", 1)[-1], int(number) if number.isdecimal() else 0


def reports(home: Path) -> list[bytes]:
    """What owners here say of themselves, if they have to: JSON of client, mode, and what was dropped by reason."""
    return [report for mark in sorted((home / "spool").glob("*.own")) if (report := told(mark))]
