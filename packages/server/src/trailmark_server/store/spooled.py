"""How far spool files were taken: kept in the transaction that stores their records, so that each is stored once."""

from __future__ import annotations

import sqlite3

__all__ = ["advance", "finish"]


def advance(db: sqlite3.Connection, segment: str, reached: dict[int, int]) -> bool:
    """Whether this is farther than before."""
    before = dict(db.execute("SELECT range, reached FROM segments WHERE path=?", (segment,)))
    news = [(segment, n, to) for n, to in reached.items() if to > before.get(n, 0)]
    db.executemany("INSERT OR REPLACE INTO segments VALUES(?,?,?)", news)
    return bool(news)


def finish(db: sqlite3.Connection, segment: str) -> None:
    """It is gone."""
    db.execute("DELETE FROM segments WHERE path=?", (segment,))
