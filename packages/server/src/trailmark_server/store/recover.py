"""What can still be read of a damaged database, in a new one. The damaged one is only read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from trailmark_server.store import rollup, schema
from trailmark_server.store.errors import StoreError

__all__ = ["recover"]

_BATCH: Final = 1000
_TABLES: Final = """
SELECT name FROM sqlite_master
WHERE type='table' AND name NOT LIKE 'words%' AND name NOT LIKE 'sqlite_%' AND name != 'unindexed'
"""
_ANEW: Final = (  # the text index is filled again, and rows that pointed to what is lost are not kept
    "DELETE FROM payloads WHERE kind=0 AND seq NOT IN (SELECT seq FROM spans)",
    "DELETE FROM payloads WHERE kind=1 AND seq NOT IN (SELECT seq FROM roots)",
    "DELETE FROM traces WHERE trace_id NOT IN (SELECT trace_id FROM spans UNION SELECT trace_id FROM roots)",
    "INSERT OR IGNORE INTO unindexed(kind, seq) SELECT kind, seq FROM payloads",
)
_UNLISTED: Final = """
SELECT trace_id FROM spans UNION SELECT trace_id FROM roots EXCEPT SELECT trace_id FROM traces
UNION SELECT trace_id FROM traces t WHERE span_count != (SELECT count(*) FROM spans s WHERE s.trace_id=t.trace_id)
"""
_LOST_THREADS: Final = """
SELECT project_id, thread_id FROM traces WHERE thread_id IS NOT NULL EXCEPT SELECT project_id, thread_id FROM threads
"""


def recover(damaged: Path, target: Path) -> dict[str, tuple[int, bool]]:
    """By table: how many rows were saved, and whether it was read whole. StoreError when nothing can be."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(f"cannot write to {target}: {error.strerror}") from error
    try:
        with contextlib.closing(schema.connect(str(target), cache_kb=8192)) as new:
            schema.prepare(new, target)
            saved = _saved(damaged, new)
            new.execute("PRAGMA journal_mode=DELETE")  # one file, to be moved about
    except (sqlite3.Error, StoreError) as error:
        target.unlink(missing_ok=True)
        raise StoreError(f"nothing can be read of {damaged}: {error}") from error
    return saved


def _saved(damaged: Path, new: sqlite3.Connection) -> dict[str, tuple[int, bool]]:
    with contextlib.closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as old:
        [version] = old.execute("PRAGMA user_version").fetchone()
        if version != schema.VERSION:
            raise StoreError(f"it is of schema {version}; recover it with a trailmark-server of that schema")
        new.execute("BEGIN IMMEDIATE")
        tables = [name for (name,) in new.execute(_TABLES)]
        saved = {name: _copied(old, new, name) for name in tables}
        for sql in _ANEW:
            new.execute(sql)
        _list_anew(new)
        new.execute("COMMIT")
    return saved


def _list_anew(db: sqlite3.Connection) -> None:
    """Rows of traces and threads that were lost, or that count what was."""
    [change] = db.execute("SELECT coalesce(max(change), 0) FROM traces").fetchone()
    threads: set[tuple[int, str]] = set()
    for (trace_id,) in db.execute(_UNLISTED).fetchall():
        change += 1
        threads |= rollup.trace(db, trace_id, change)
    for project_id, thread_id in threads | set(db.execute(_LOST_THREADS)):
        rollup.thread(db, project_id, thread_id)


def _copied(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """Read in the table's own order up to the damage, from both of its ends."""
    columns = [(row[1], row[5]) for row in new.execute(f"PRAGMA table_info({table})")]
    names = ", ".join(name for name, _ in columns)
    key = [name for name, at in sorted(columns, key=lambda column: column[1]) if at] or ["rowid"]
    insert = f"INSERT OR IGNORE INTO {table}({names}) VALUES({', '.join('?' * len(columns))})"
    is_whole = False
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{name} {direction}" for name in key)
        found = _readable(old, f"SELECT {names} FROM {table} NOT INDEXED ORDER BY {order}")
        while not is_whole:
            rows, is_whole = next(found)
            new.executemany(insert, rows)
            if len(rows) < _BATCH:
                break
    [count] = new.execute(f"SELECT count(*) FROM {table}").fetchone()
    return count, is_whole


def _readable(db: sqlite3.Connection, sql: str) -> Iterator[tuple[list[Any], bool]]:
    """Batches of rows up to the damage, each with whether it is the end; the last has less than a batch."""
    rows: list[Any] = []
    try:
        for row in db.execute(sql):
            rows.append(row)
            if len(rows) == _BATCH:
                yield rows, False
                rows = []
    except sqlite3.DatabaseError:
        yield rows, False
        return
    yield rows, True
