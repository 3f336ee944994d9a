"""Changes of single fields: kept beside the newest snapshot, so that the order of edits and snapshots is all one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from trailmark_server.store.codec import dumps, loads, pack, unpack

__all__ = ["add", "bases", "folded", "known", "of_root", "placeholder", "rebase"]


def add(db: sqlite3.Connection, kind: str, key: bytes, ver: int, edit_id: str, changes: dict[str, Any]) -> bool:
    """False when it was there already."""
    row = (kind, key, ver, edit_id, dumps(changes))
    return db.execute("INSERT OR IGNORE INTO edits VALUES(?,?,?,?,?)", row).rowcount > 0


def known(db: sqlite3.Connection, kind: str, key: bytes) -> bool:
    """Whether the id has edits."""
    return db.execute("SELECT 1 FROM edits WHERE kind=? AND id=? LIMIT 1", (kind, key)).fetchone() is not None


def bases(db: sqlite3.Connection, ids: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, Any]]:
    """The snapshots under the edits of these ids, of those that have one."""
    for kind, key in ids:
        row = db.execute("SELECT body FROM bases WHERE kind=? AND id=?", (kind, key)).fetchone()
        if row is not None:
            yield unpack(row[0])


def rebase(db: sqlite3.Connection, kind: str, key: bytes, record: dict[str, Any]) -> None:
    """This is the newest snapshot now."""
    db.execute("INSERT OR REPLACE INTO bases VALUES(?,?,?)", (kind, key, pack(record)))


def folded(db: sqlite3.Connection, kind: str, key: bytes, base: dict[str, Any]) -> dict[str, Any]:
    """The snapshot with all edits after it, in the order of their versions."""
    record = dict(base)
    rows = db.execute(
        "SELECT ver, body FROM edits WHERE kind=? AND id=? AND ver>? ORDER BY ver, edit_id", (kind, key, base["ver"])
    )
    for ver, body in rows:
        record = {**record, **_merged(record, loads(body)), "ver": ver if base["ver"] else 0}  # 0: still a placeholder
    if record["status"] == "running" and record.get("end_us") is not None:
        record["status"] = "error" if record.get("error") else "ok"
    return record


def of_root(record: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The trace's record that a root span brings."""
    shared = {key: record.get(key) for key in ("project", "name", "status", "start_us", "end_us", "ver")}
    told = {key: value for key, value in own.items() if value is not None}
    return {"k": "trace", "id": record["trace_id"], **shared, "root_span": record["id"], **told}


def placeholder(kind: str, id: str, now_us: int) -> dict[str, Any]:
    """For edits of what is not known yet; version 0, so that whatever comes replaces it."""
    fixed = {"name": "", "type": "general", "status": "running", "parent_id": None, "project": "Default Project"}
    return {"k": kind, "id": id, "ver": 0, "start_us": now_us, "end_us": None, **fixed}


def _merged(record: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {key: value for key, value in changes.items() if key[:1] not in ("+", "-")}
    if "+metadata" in changes:
        merged["metadata"] = {**(record.get("metadata") or {}), **changes["+metadata"]}
    if "+tags" in changes:
        merged["tags"] = list(dict.fromkeys([*(record.get("tags") or []), *changes["+tags"]]))
    if "-tags" in changes:
        gone = set(changes["-tags"])
        merged["tags"] = [tag for tag in merged.get("tags", record.get("tags")) or [] if tag not in gone]
    return merged
