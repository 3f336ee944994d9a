"""Ids, clocks and the record on the wire: one JSON object a line, `k`, `id` and `ver` first. No I/O.

The first bytes of a record have a fixed shape, so that the sender can read id and version without parsing:
`{"k":"span","id":"<36>","ver":1,...`.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any, Final
from uuid import UUID

import orjson

from trailmark._fork import fork_mark

__all__ = ["END", "OPEN", "IdSource", "encode", "id_bytes", "interrupted", "now_us", "superseded", "version_of"]

OPEN: Final = 1
END: Final = 2

_OPTIONS: Final = orjson.OPT_NON_STR_KEYS


class IdSource:
    """UUIDv7 texts, in order of creation within a millisecond's grain; its randomness is its own, not the program's."""

    def __init__(self) -> None:
        self._random = random.Random(os.urandom(16))  # noqa: S311 - unique, not secret; a user's random.seed must not touch it
        self._mark = fork_mark()

    def __call__(self) -> str:
        if not self._mark[0]:  # a forked child would repeat the parent's ids
            self._random.seed(os.urandom(16))
            self._mark = fork_mark()
        bits = self._random.getrandbits(74)
        head = f"{time.time_ns() // 1_000_000:012x}7{bits >> 62:03x}"
        h = f"{head}{0x8 | (bits >> 60) & 3:x}{bits & 0xFFFFFFFFFFFFFFF:015x}"
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def now_us() -> int:
    """Wall clock in microseconds since the epoch."""
    return time.time_ns() // 1000


def id_bytes(text: str) -> bytes:
    """The 16 bytes of an id; ValueError when it is none."""
    return UUID(text).bytes


def encode(kind: str, id: str, ver: int, fields: dict[str, Any]) -> bytes:
    """One record as a JSON line without its newline; `fields` may hold `orjson.Fragment`."""
    return orjson.dumps({"k": kind, "id": id, "ver": ver, **fields}, option=_OPTIONS)


def version_of(record: bytes) -> tuple[bytes, int]:
    """`(kind and id, ver)` of an encoded record, from its fixed head."""
    at = record.find(b'"ver":', 0, 160)
    end = record.find(b",", at)
    return record[:at], int(record[at + 6 : end])


def interrupted(record: bytes) -> bytes:
    """An open record of a process that died: it yields to a real end, and beats the open one it is made of."""
    return orjson.dumps({**orjson.loads(record), "status": "interrupted"})


def superseded(batch: list[bytes]) -> list[bytes]:
    """The batch without records that a later version in the same batch replaces; order kept."""
    newest: dict[bytes, int] = {}
    heads = [version_of(record) for record in batch]
    for head, ver in heads:
        newest[head] = max(ver, newest.get(head, 0))
    return [record for record, (head, ver) in zip(batch, heads, strict=True) if newest[head] == ver]
