"""Ids, clocks and the record on the wire: one JSON object a line, `k`, `id` and `ver` first. No I/O.

The first bytes of a record have a fixed shape, so that the sender can read id and version without parsing:
`{"k":"span","id":"<36>","ver":1,...`.
"""

from __future__ import annotations

import functools
import os
import time
import zlib
from typing import Any, Final
from uuid import UUID

import orjson

from trailmark._fork import fork_mark
from trailmark.model import written

__all__ = [
    "END",
    "OPEN",
    "IdSource",
    "Tail",
    "encode",
    "id_bytes",
    "interrupted",
    "is_open",
    "jitter",
    "joined",
    "loads",
    "newest",
    "now_us",
    "text",
    "version_of",
]

OPEN: Final = 1
END: Final = 2  # or more, for a span that was told anew while it ran; later edits have microseconds
_TOLD: Final = 1_000_000

_OPTIONS: Final = orjson.OPT_NON_STR_KEYS


_IDS_AT_ONCE: Final = 256
_END_AT: Final = 24  # of its 36 characters
_48_BITS: Final = (1 << 48) - 1


class IdSource:
    """UUIDv7 texts, in order of creation within a millisecond's grain.

    The last 48 bits are random, 24 before them the same for some hundred ids: made together they cost a third less.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._ends: list[str] = []
        self._head = (-1, "")  # a millisecond, and how its ids begin
        self._middle = _middle()
        self._mark = fork_mark()

    def one(self, now_us: int) -> str:
        """A new id of that moment."""
        if not self._mark[0]:  # a forked child would repeat the parent's ids
            self._start()
        now = now_us // 1000
        known, head = self._head
        if now != known:
            head = (now & _48_BITS).to_bytes(6).hex("-", -4) + self._middle
            self._head = (now, head)
        try:
            return head + self._ends.pop()
        except IndexError:
            self._middle, self._head = _middle(), (-1, "")
            self._ends += os.urandom(6 * _IDS_AT_ONCE).hex("-", 6).split("-")
            return self.one(now_us)

    def two(self, now_us: int) -> tuple[str, str]:
        """Two of the same moment: a root span's own and its trace's."""
        one = self.one(now_us)
        try:
            return one, one[:_END_AT] + self._ends.pop()
        except IndexError:
            return one, self.one(now_us)


def _middle() -> str:
    bits = int.from_bytes(os.urandom(3))
    return f"-7{bits >> 12:03x}-8{bits & 0xFFF:03x}-"


_AROUND_INPUT: Final = len(b',"input":}')


class Tail:
    """The end of a large record where its input stands, encoded and summed once.

    All versions of the record share it, and the records of spans below that were given the same. The outbox notes at
    which `place`, a segment and an offset in it, it wrote it; what comes later only refers to that.
    """

    __slots__ = ("_crc", "data", "has_none", "place")

    def __init__(self, data: bytes, *, has_none: bool = False) -> None:
        self.data = data
        self.has_none = has_none  # then a value with a NaN would look the same
        self.place = (0, 0)  # one value, so that no thread ever sees half of a new one
        self._crc: int | None = None

    def holds(self, encoded: bytes) -> bool:
        """Whether it is the tail of a record with this input."""
        return len(self.data) == len(encoded) + _AROUND_INPUT and self.data.startswith(encoded, _AROUND_INPUT - 1)

    @property
    def crc(self) -> int:
        """CRC-32 of the data."""
        if self._crc is None:
            self._crc = zlib.crc32(self.data)
        return self._crc


def joined(record: bytes, tail: Tail | None) -> bytes:
    """The whole record in one piece."""
    return record if tail is None else record + tail.data


@functools.lru_cache(1024)
def text(value: str) -> str:
    """A name as JSON; what UTF-8 cannot say is replaced."""
    return orjson.dumps(written(value)).decode()


def jitter(low: float, high: float) -> float:
    """Somewhere in between, so that many processes do not come at once; `random` would cost every import some ms."""
    return low + (high - low) * os.urandom(1)[0] / 255


def now_us() -> int:
    """Wall clock in microseconds since the epoch."""
    return time.time_ns() // 1000


def id_bytes(text: str) -> bytes:
    """The 16 bytes of an id; ValueError when it is none."""
    return UUID(text).bytes


def encode(kind: str, id: str, ver: int, fields: dict[str, Any]) -> bytes:
    """One record as a JSON line without its newline; `fields` may hold `orjson.Fragment`."""
    return orjson.dumps({"k": kind, "id": id, "ver": ver, **fields}, option=_OPTIONS)


def loads(data: bytes | str) -> Any:
    """JSON as the standard library reads it, quicker; whole numbers past 64 bits as floats. ValueError for none."""
    try:
        return orjson.loads(data)
    except ValueError:  # NaN, infinities, half a surrogate pair: there are servers that write them
        import json

        return json.loads(data)


def version_of(record: bytes) -> tuple[bytes, int]:
    """`(kind and id, ver)` of an encoded record, from its fixed head."""
    if record[54:62] == b'","ver":' and record[63] == 44:  # a span's first versions: nearly all there is
        return record[:56], record[62] - 48
    head, _, rest = record[:104].partition(b'"ver":')
    return head, int(rest.partition(b",")[0])


def is_open(record: bytes, ver: int) -> bool:
    """Whether a record of that version is of a span that still ran: its first one, or what was told of it since."""
    return ver == OPEN or (ver < _TOLD and record.partition(b',"end_us":')[2].startswith(b"null"))


def interrupted(record: bytes) -> bytes:
    """An open record of a process that died: it yields to a real end, and beats the open one it is made of."""
    return orjson.dumps({**orjson.loads(record), "status": "interrupted"})


def newest(batch: list[bytes], heads: list[tuple[bytes, int]]) -> list[bytes]:
    """The batch, whose heads these are, without records that a later version in it replaces; order kept."""
    latest = dict(sorted(heads))
    return [record for record, (head, ver) in zip(batch, heads, strict=True) if latest[head] == ver]
