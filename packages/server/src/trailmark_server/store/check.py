"""Whether the file is what it should be."""

from __future__ import annotations

from trailmark_server.store.read import View

__all__ = ["damage"]


def damage(reader: View) -> str:
    """What SQLite finds wrong with the pages it holds, the first of it; empty when nothing is. Reads the whole file."""
    [found] = reader._db.execute("PRAGMA quick_check(1)").fetchone()
    return "" if found == "ok" else str(found)
