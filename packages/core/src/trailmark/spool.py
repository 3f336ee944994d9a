"""The spool's file format and its readers: what a process recorded, on disk, until somebody takes it.

`<home>/spool/<boot>-<pid>-<start_ns>.own` is locked by its living owner; `….<n>.seg` files hold the frames:
a header (magic, length, JSON) and then `length | crc32 | record` (little-endian, 4 bytes each). Damage is skipped.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

__all__ = ["FORMAT", "Segment", "frame", "header", "read", "remove", "segments"]

FORMAT: Final = 1
MAGIC: Final = b"TRAILMK\n"
MAX_RECORD: Final = 64 * 1024 * 1024
_HEAD: Final = struct.Struct("<II")
_FRAME: Final = b"\xf7TM\x01"


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the spool. `destination` is a URL, or empty for the local store."""

    path: Path
    destination: str
    version: int
    start: int  # offset of the first frame
    is_live: bool  # the owner still runs
    is_complete: bool  # nothing will be added: the owner died or went on to a later segment

    @property
    def name(self) -> str:
        return self.path.name


def header(destination: str) -> bytes:
    """The first bytes of a segment."""
    body = orjson.dumps({"version": FORMAT, "destination": destination})
    return MAGIC + _HEAD.pack(len(body), zlib.crc32(body)) + body


def frame(record: bytes) -> bytes:
    """One record, framed."""
    return _FRAME + _HEAD.pack(len(record), zlib.crc32(record)) + record


def segments(home: Path) -> list[Segment]:
    """All readable segments of a home, oldest first; segments of a newer format are left alone."""
    try:
        paths = sorted((home / "spool").glob("*.seg"), key=_age)
    except OSError:
        return []
    last = {_owner(path): path for path in paths}
    alive = {owner: _is_alive(home / "spool" / f"{owner}.own") for owner in last}
    found = []
    for path in paths:
        head = _read_header(path)
        if head is not None and head[1] <= FORMAT:
            owner = _owner(path)
            complete = not alive[owner] or path != last[owner]
            found.append(Segment(path, head[0], head[1], head[2], alive[owner], complete))
    return found


def read(segment: Segment, offset: int = 0, limit_bytes: int = 4_000_000) -> tuple[list[bytes], int]:
    """Whole, undamaged records from a byte offset (0: the start), at most about `limit_bytes`, and the next offset."""
    offset = max(offset, segment.start)
    try:
        with segment.path.open("rb") as file:
            file.seek(offset)
            data = file.read(limit_bytes)
            if len(data) == limit_bytes and not _parse(data, at_end=False)[1]:
                data += file.read(MAX_RECORD)  # one record larger than the limit
    except FileNotFoundError:
        return [], offset
    records, used = _parse(data, at_end=segment.is_complete and len(data) < limit_bytes)
    return records, offset + used


def remove(segment: Segment) -> None:
    """Delete a segment that was taken, and its owner's mark when it was the last of a dead owner."""
    segment.path.unlink(missing_ok=True)
    owner = _owner(segment.path)
    if not segment.is_live and not any(segment.path.parent.glob(f"{owner}.*.seg")):
        segment.path.with_name(f"{owner}.own").unlink(missing_ok=True)


def _parse(data: bytes, *, at_end: bool) -> tuple[list[bytes], int]:
    """Records and the bytes used. A torn tail stays for the next read, unless nothing can follow it."""
    records: list[bytes] = []
    at = used = 0
    while True:
        at = data.find(_FRAME, at)
        if at < 0:  # half a magic may stand at the end
            return records, len(data) if at_end else max(len(data) - len(_FRAME) + 1, used)
        body = at + len(_FRAME) + _HEAD.size
        if body > len(data):
            return records, len(data) if at_end else at
        length, crc = _HEAD.unpack_from(data, at + len(_FRAME))
        if length > MAX_RECORD or (body + length > len(data) and at_end):
            at += 1  # damaged head, or a torn tail with whole frames behind it
        elif body + length > len(data):
            return records, at
        elif zlib.crc32(record := data[body : body + length]) == crc:
            records.append(record)
            at = used = body + length
        else:
            at += 1


def _read_header(path: Path) -> tuple[str, int, int] | None:
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC) + _HEAD.size)
            if len(head) < len(MAGIC) + _HEAD.size or not head.startswith(MAGIC):
                return None
            length, crc = _HEAD.unpack_from(head, len(MAGIC))
            body = file.read(min(length, 65_536))
    except OSError:
        return None
    if zlib.crc32(body) != crc:
        return None
    fields = orjson.loads(body)
    return fields["destination"], fields["version"], len(head) + length


def _owner(path: Path) -> str:
    return path.name.split(".", 1)[0]


def _age(path: Path) -> tuple[str, int]:
    _, n, _ = path.name.split(".")
    return _owner(path).rsplit("-", 1)[-1], int(n)


def _is_alive(own: Path) -> bool:
    """A record lock tells; our own mark is never opened, for closing it would drop our lock."""
    if own.name.split("-")[1] == str(os.getpid()):
        return True
    try:
        fd = os.open(own, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
