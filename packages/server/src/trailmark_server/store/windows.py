"""What the text index says of one text after another: read window by window, so that a walk over many costs little."""

from __future__ import annotations

import sqlite3
from typing import Final

__all__ = ["ASK", "Windows"]

SIZE: Final = 4096  # row ids of the text index
MOST: Final = 4096  # windows kept; beyond them every text is asked itself
ASK: Final = 2
_WORDS: Final = "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?"
_WAITING: Final = "SELECT 2*seq + kind FROM unindexed WHERE kind IN (0, 1) AND seq BETWEEN ? AND ?"


class Windows:
    """Of one connection; `forget` when its view of the store changes."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._found: dict[tuple[str, int], bytearray] = {}

    def forget(self) -> None:
        self._found.clear()

    def held(self, rowid: int, match: str) -> int:
        """SQL function: 1 when the index holds these words of the text, 0 when it does not, ASK when it cannot say."""
        number, at = divmod(rowid, SIZE)
        window = self._found.get((match, number))
        if window is None:
            if len(self._found) >= MOST:
                return ASK
            window = self._found[match, number] = self._read(number * SIZE, match)
        return window[at]

    def _read(self, first: int, match: str) -> bytearray:
        window, last = bytearray(SIZE), first + SIZE - 1
        try:
            for (rowid,) in self._db.execute(_WORDS, (match, first, last)):
                window[rowid - first] = 1
            for (rowid,) in self._db.execute(_WAITING, (first // 2, last // 2)):
                window[rowid - first] = ASK
        except sqlite3.Error:  # out of time: the query around this one says so
            return bytearray([ASK]) * SIZE
        return window
