"""Text inside the spans of one trace: names, inputs, outputs, metadata, errors."""

from __future__ import annotations

from typing import Any, Final

import orjson
import zstandard

from trailmark_server.store.codec import MAX_BODY
from trailmark_server.store.read import View, key_of
from trailmark_server.store.skeleton import change_of

__all__ = ["inside"]

_MOST: Final = 5000


def inside(reader: View, id: str, text: str) -> dict[str, Any]:
    """`{ids, rows, truncated}`: the spans that hold the text, whatever its case, by their row in the skeleton."""
    change_of(reader, id)
    needle = orjson.dumps(text.lower())[1:-1].decode()
    rows = reader._db.execute(
        "SELECT s.name, s.error_type, b.body FROM spans s LEFT JOIN payloads b ON b.kind=0 AND b.seq=s.seq "
        "WHERE s.trace_id=? ORDER BY s.start_us, s.span_id",
        (key_of(id),),
    )
    unpacker = zstandard.ZstdDecompressor()
    found: list[int] = []
    for n, (name, error, body) in enumerate(rows):
        plain = f"{name}\n{error or ''}\n".lower()
        if text.lower() in plain or (body is not None and needle in _text(unpacker, body)):
            found.append(n)
            if len(found) > _MOST:
                return {"rows": found[:_MOST], "truncated": True}
    return {"rows": found, "truncated": False}


def _text(unpacker: zstandard.ZstdDecompressor, body: bytes) -> str:
    return unpacker.decompress(body, max_output_size=MAX_BODY).decode(errors="replace").lower()
