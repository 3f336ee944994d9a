"""Payloads of a whole trace without their values: what it takes to see which differ."""

from __future__ import annotations

import hashlib

import orjson

from trailmark_server.store.codec import unpack
from trailmark_server.store.read import View, key_of

__all__ = ["digests"]


def digests(reader: View, id: str) -> list[dict[str, bytes]]:
    """By row of the skeleton: a hash of input, output and error."""
    rows = reader._db.execute(
        "SELECT b.body FROM spans s LEFT JOIN payloads b ON b.kind=0 AND b.seq=s.seq WHERE s.trace_id=? "
        "ORDER BY s.start_us, s.span_id",
        (key_of(id),),
    )
    return [_digests(body) for (body,) in rows]


def _digests(body: bytes | None) -> dict[str, bytes]:
    found = unpack(body) if body is not None else {}
    return {
        name: hashlib.blake2b(orjson.dumps(found[name], option=orjson.OPT_SORT_KEYS), digest_size=8).digest()
        for name in ("input", "output", "error")
        if found.get(name) is not None
    }
