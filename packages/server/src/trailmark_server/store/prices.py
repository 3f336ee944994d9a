"""The user's own prices, and what was spent at other prices than today's."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any, Final

from trailmark_server.pricing import Price, cost_of
from trailmark_server.store.codec import dumps, loads, unpack
from trailmark_server.store.protocol import Repriced, Store

__all__ = ["drop", "listed", "put", "reprice", "reprice_page"]

PAGE: Final = 500
_PAGE: Final = (
    "SELECT seq, trace_id, provider, model, usage, start_us, cost FROM spans "
    "WHERE seq>? AND seq<=? AND usage IS NOT NULL AND model IS NOT NULL ORDER BY seq LIMIT ?"
)


def listed(db: sqlite3.Connection) -> list[Price]:
    """All of them, by model."""
    rows = db.execute("SELECT model, provider, parts FROM prices ORDER BY model, provider")
    return [Price(model, provider, loads(parts)) for model, provider, parts in rows]


def put(db: sqlite3.Connection, price: Price) -> None:
    """In place of the one for the same model and provider."""
    row = (price.model, price.provider, dumps(dict(price.parts or {})), time.time_ns() // 1000)
    db.execute("INSERT OR REPLACE INTO prices(model, provider, parts, updated_us) VALUES(?,?,?,?)", row)


def drop(db: sqlite3.Connection, model: str, provider: str) -> bool:
    """Whether there was one."""
    return db.execute("DELETE FROM prices WHERE model=? AND provider=?", (model, provider)).rowcount > 0


def reprice(store: Store, progress: Callable[[int, int], None] | None = None) -> Repriced:
    """Every span that does not say itself what it cost, at the prices known now.

    Page by page, so that records come in beside. `progress` gets how far it is, and of how much.
    """
    with store.read() as reader:
        total = reader.last_span()
    at, sums = 0, Repriced()
    while at < total:
        at, page = store.write(lambda writer, after=at: writer.reprice(after, total))  # type: ignore[misc]
        sums = Repriced(*(a + b for a, b in zip(_values(sums), _values(page), strict=True)))
        if progress is not None:
            progress(min(at, total), total)
    return sums


def reprice_page(db: sqlite3.Connection, after: int, until: int, touched: set[bytes]) -> tuple[int, Repriced]:
    """The next spans after a `seq`: where it ended, and what came of it. The traces that changed go into `touched`."""
    prices = listed(db)
    rows = db.execute(_PAGE, (after, until, PAGE)).fetchall()
    seen, changed, before, sum_after = 0, 0, 0.0, 0.0
    for seq, trace_id, provider, model, usage, start_us, old in rows:
        new = cost_of(provider, model, loads(usage), start_us, prices)
        if new != old and _says_itself(db, seq):
            new = old
        seen, before, sum_after = seen + 1, before + (old or 0.0), sum_after + (new or 0.0)
        if new != old:
            changed += 1
            touched.add(trace_id)
            db.execute("UPDATE spans SET cost=? WHERE seq=?", (new, seq))
    return (rows[-1][0] if len(rows) == PAGE else until), Repriced(seen, changed, before, sum_after)


def _says_itself(db: sqlite3.Connection, seq: int) -> bool:
    row = db.execute("SELECT body FROM payloads WHERE kind=0 AND seq=?", (seq,)).fetchone()
    return row is not None and unpack(row[0]).get("total_cost") is not None


def _values(sums: Repriced) -> tuple[Any, ...]:
    return sums.seen, sums.changed, sums.before, sums.after
