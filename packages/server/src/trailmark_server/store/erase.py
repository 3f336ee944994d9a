"""Everything of a trace, gone: rows, payloads, scores, files and media, and the words the text index holds of it."""

from __future__ import annotations

import sqlite3
from typing import Final

from trailmark_server.store import files, sides

__all__ = ["erase"]

_FORGET_TEXT: Final = (  # the text index takes out what it holds; what waits to be indexed it then does not find
    "INSERT OR IGNORE INTO unindexed SELECT {0}, t.seq, t.name, b.body FROM {1} t "
    "CROSS JOIN payloads b ON b.kind={0} AND b.seq=t.seq WHERE t.trace_id=?"
)
_DELETE: Final = (
    _FORGET_TEXT.format(0, "spans"),
    _FORGET_TEXT.format(1, "roots"),
    "DELETE FROM payloads WHERE kind=0 AND seq IN (SELECT seq FROM spans WHERE trace_id=?)",
    "DELETE FROM payloads WHERE kind=1 AND seq IN (SELECT seq FROM roots WHERE trace_id=?)",
    "DELETE FROM scores WHERE kind='span' AND target IN (SELECT span_id FROM spans WHERE trace_id=?)",
    "DELETE FROM comments WHERE kind='span' AND target IN (SELECT span_id FROM spans WHERE trace_id=?)",
    "DELETE FROM comments WHERE kind='trace' AND target=?",
    "DELETE FROM edits WHERE kind='span' AND id IN (SELECT span_id FROM spans WHERE trace_id=?)",
    "DELETE FROM bases WHERE kind='span' AND id IN (SELECT span_id FROM spans WHERE trace_id=?)",
    "DELETE FROM scores WHERE kind='trace' AND target=?",
    "DELETE FROM score_history WHERE kind='span' AND target IN (SELECT span_id FROM spans WHERE trace_id=?)",
    "DELETE FROM score_history WHERE kind='trace' AND target=?",
    "DELETE FROM edits WHERE kind='trace' AND id=?",
    "DELETE FROM bases WHERE kind='trace' AND id=?",
    "DELETE FROM running WHERE trace_id=?",
    "DELETE FROM trace_facts WHERE trace_id=?",
    "DELETE FROM spans WHERE trace_id=?",
    "DELETE FROM roots WHERE trace_id=?",
)


def erase(db: sqlite3.Connection, trace_id: bytes) -> bool:
    """All but its row in the list, which goes with the next roll-up. Whether there was something."""
    [found] = db.execute("SELECT count(*) FROM traces WHERE trace_id=?", (trace_id,)).fetchone()
    files.delete_of_trace(db, trace_id)
    sides.drop_meta(db, trace_id)
    for sql in _DELETE:
        db.execute(sql, (trace_id,))
    return bool(found)
