"""Fills the text index behind the writes: words are cut outside the writer's turn, its own part takes milliseconds."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from trailmark_server.store.errors import StoreError
from trailmark_server.store.text import words_of

__all__ = ["BATCH", "Document", "Indexer", "index", "merge", "rebuild", "waiting"]

BATCH: Final = 200
BUSY: Final = 4  # rests as long as it worked, while records come in
GATHER_S: Final = 0.2  # so that what arrives together is indexed together
MERGED: Final = 64  # pages a turn: some milliseconds of the writer
LOOK_S: Final = 30.0  # for spans that never end
ABANDONED_US: Final = 600_000_000  # a span that runs so long is indexed as it is
log = logging.getLogger("trailmark.server")
_WAITING: Final = """
SELECT u.kind, u.seq, u.old_name, u.old, coalesce(s.name, r.name), b.body FROM unindexed u
LEFT JOIN spans s ON u.kind=0 AND s.seq=u.seq LEFT JOIN roots r ON u.kind=1 AND r.seq=u.seq
LEFT JOIN payloads b ON b.kind=u.kind AND b.seq=u.seq
WHERE coalesce(s.status, r.status, '') <> 'running' OR coalesce(s.start_us, r.start_us) < ? LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Document:
    """A span or root and its words; `old`: what the index holds of it."""

    kind: int
    seq: int
    body: bytes | None
    words: str
    old: str | None

    @property
    def rowid(self) -> int:
        return 2 * self.seq + self.kind


def waiting(db: sqlite3.Connection, limit: int = BATCH) -> list[Document]:
    """What the index does not hold yet, ready for `index`."""
    rows = db.execute(_WAITING, (time.time_ns() // 1000 - ABANDONED_US, limit)).fetchall()
    found = [
        Document(kind, seq, body, words_of(name, body) if body is not None else "",
                 words_of(old_name, old) if old is not None else None)
        for kind, seq, old_name, old, name, body in rows
    ]  # fmt: skip
    return sorted(found, key=lambda document: document.rowid)


def index(db: sqlite3.Connection, documents: list[Document]) -> None:
    """In the writer's transaction; what changed since it was read keeps waiting."""
    for document in documents:
        key = (document.kind, document.seq)
        row = db.execute("SELECT body FROM payloads WHERE kind=? AND seq=?", key).fetchone()
        if (row[0] if row else None) != document.body:
            continue
        if not db.execute("DELETE FROM unindexed WHERE kind=? AND seq=?", key).rowcount:
            continue
        if document.old is not None:
            forget = "INSERT INTO words(words, rowid, body) VALUES('delete', ?, ?)"
            db.execute(forget, (document.rowid, document.old))
        if document.body is not None:
            db.execute("INSERT INTO words(rowid, body) VALUES(?, ?)", (document.rowid, document.words))


def merge(db: sqlite3.Connection) -> bool:
    """Join parts of the index that batches left behind: a search looks into each of them. False when all is joined."""
    if db.execute("SELECT 1 FROM words_config WHERE k='usermerge'").fetchone() is None:
        db.execute("INSERT INTO words(words, rank) VALUES('usermerge', 2)")
    before = db.total_changes
    db.execute("INSERT INTO words(words, rank) VALUES('merge', ?)", (MERGED,))
    return db.total_changes - before > 1


class Indexer:
    """One thread; `round` indexes a batch and says how many that were, `tidy` does a step of what can wait for long."""

    def __init__(self, round: Callable[[], int], tidy: Callable[[], bool] = lambda: False) -> None:
        self._round, self._tidy, self._is_untidy = round, tidy, True
        self._stop, self._news = threading.Event(), threading.Event()
        self._news.set()
        self._thread = threading.Thread(target=self._run, name="trailmark-indexer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def tell(self) -> None:
        """There is something new."""
        self._news.set()

    def stop(self) -> None:
        """After the batch it is at."""
        self._stop.set()
        self._news.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._news.wait(LOOK_S)
            self._news.clear()
            if self._stop.wait(GATHER_S):
                return
            try:
                self._all()
            except (StoreError, sqlite3.Error) as error:
                log.warning("the text index waits: %s", error)
                self._stop.wait(LOOK_S)

    def _all(self) -> None:
        """Batch by batch, resting as long as it worked, and longer while more comes in: ingest comes first."""
        begun = time.monotonic()
        while not self._stop.is_set() and self._step():
            worked = time.monotonic() - begun
            self._news.clear()
            self._stop.wait(min(1.0, worked))
            if self._news.is_set():
                self._stop.wait(min(1.0, (BUSY - 1) * worked))
            begun = time.monotonic()

    def _step(self) -> bool:
        """A batch, or when none waits a step of tidying up after the last ones; whether there was something to do."""
        if self._round():
            self._is_untidy = True
        elif self._is_untidy:
            self._is_untidy = self._tidy()
        else:
            return False
        return True


def rebuild(db: sqlite3.Connection) -> None:
    """Forget the index; everything waits to be indexed."""
    statements: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("INSERT INTO words(words) VALUES('delete-all')", ()),
        ("DELETE FROM unindexed", ()),
        ("INSERT INTO unindexed(kind, seq) SELECT kind, seq FROM payloads", ()),
    )
    for sql, values in statements:
        db.execute(sql, values)
