"""Attachments: a row each, their contents once by hash."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

from trailmark_server.store.codec import id_bytes, id_text
from trailmark_server.store.errors import NotFoundError

__all__ = ["blob", "delete", "delete_of_trace", "hold", "listed", "opened", "put"]

_OF_TRACE = "trace_id=:trace OR span_id IN (SELECT span_id FROM spans WHERE trace_id=:trace)"
_PUT = (
    "INSERT INTO files(file_id, project_id, trace_id, span_id, name, content_type, size, sha, ts_us, ver) "
    "VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT(file_id) DO UPDATE SET name=excluded.name, sha=excluded.sha, "
    "content_type=excluded.content_type, size=excluded.size, ts_us=excluded.ts_us, ver=excluded.ver "
    "WHERE excluded.ver >= files.ver"
)


def put(db: sqlite3.Connection, project_id: int, record: dict[str, Any]) -> None:
    """Store a checked `file` record, whose data are bytes; sent again it changes nothing."""
    sha = hashlib.sha256(record["data"]).digest()
    file_id = id_bytes(record["id"])
    before = db.execute("SELECT sha FROM files WHERE file_id=?", (file_id,)).fetchone()
    db.execute("INSERT OR IGNORE INTO blobs VALUES(?,?)", (sha, record["data"]))
    trace_id, span_id = (id_bytes(record[key]) if record.get(key) else None for key in ("trace_id", "span_id"))
    row = (file_id, project_id, trace_id, span_id, record["name"], record["content_type"], len(record["data"]), sha,
           record["ts_us"], record["ver"])  # fmt: skip
    db.execute(_PUT, row)
    _drop_unused(db, {sha} | ({before[0]} if before else set()))


def listed(
    db: sqlite3.Connection, *, trace_id: bytes | None = None, span_id: bytes | None = None
) -> list[dict[str, Any]]:
    """Of one span, or of a whole trace with its spans; oldest first."""
    where = "span_id=:span" if span_id is not None else _OF_TRACE
    rows = db.execute(
        f"SELECT file_id, span_id, name, content_type, size, ts_us FROM files WHERE {where} ORDER BY ts_us, file_id",
        {"trace": trace_id, "span": span_id},
    )
    return [
        {"id": id_text(row[0]), "span_id": id_text(row[1]) if row[1] else None, "name": row[2], "content_type": row[3],
         "size": row[4], "ts_us": row[5]} for row in rows
    ]  # fmt: skip


def opened(db: sqlite3.Connection, file_id: bytes) -> tuple[dict[str, Any], bytes]:
    """Name and type of a file, and its content. NotFoundError when there is none."""
    row = db.execute(
        "SELECT f.name, f.content_type, b.data FROM files f JOIN blobs b ON b.sha=f.sha WHERE f.file_id=?", (file_id,)
    ).fetchone()
    if row is None:
        raise NotFoundError(f"no attachment {id_text(file_id)}")
    return {"name": row[0], "content_type": row[1]}, row[2]


def delete(db: sqlite3.Connection, file_ids: list[bytes]) -> None:
    """These files, and contents that nothing else holds."""
    hashes: set[bytes] = set()
    for file_id in file_ids:
        hashes.update(sha for (sha,) in db.execute("DELETE FROM files WHERE file_id=? RETURNING sha", (file_id,)))
    _drop_unused(db, hashes)


def delete_of_trace(db: sqlite3.Connection, trace_id: bytes) -> None:
    """All of the trace and its spans."""
    rows = db.execute(f"SELECT file_id FROM files WHERE {_OF_TRACE}", {"trace": trace_id}).fetchall()
    delete(db, [file_id for (file_id,) in rows])
    held = db.execute(
        "DELETE FROM media WHERE (kind=0 AND seq IN (SELECT seq FROM spans WHERE trace_id=:trace)) "
        "OR (kind=1 AND seq IN (SELECT seq FROM roots WHERE trace_id=:trace)) RETURNING sha",
        {"trace": trace_id},
    ).fetchall()
    _drop_unused(db, {sha for (sha,) in held})


def hold(db: sqlite3.Connection, kind: int, seq: int, contents: dict[bytes, bytes]) -> None:
    """Exactly these contents stand as references in the payload."""
    before = {sha for (sha,) in db.execute("SELECT sha FROM media WHERE kind=? AND seq=?", (kind, seq))}
    for sha, data in contents.items():
        db.execute("INSERT OR IGNORE INTO blobs VALUES(?,?)", (sha, data))
        db.execute("INSERT OR IGNORE INTO media VALUES(?,?,?)", (sha, kind, seq))
    gone = before - contents.keys()
    for sha in gone:
        db.execute("DELETE FROM media WHERE kind=? AND seq=? AND sha=?", (kind, seq, sha))
    _drop_unused(db, gone)


def blob(db: sqlite3.Connection, sha: bytes) -> bytes | None:
    """A content by its hash."""
    row = db.execute("SELECT data FROM blobs WHERE sha=?", (sha,)).fetchone()
    return row[0] if row else None


def _drop_unused(db: sqlite3.Connection, hashes: set[bytes]) -> None:
    for sha in hashes:
        db.execute(
            "DELETE FROM blobs WHERE sha=?1 AND NOT EXISTS (SELECT 1 FROM files WHERE sha=?1) "
            "AND NOT EXISTS (SELECT 1 FROM media WHERE sha=?1)",
            (sha,),
        )
