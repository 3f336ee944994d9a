"""What was recorded: the seam every other part of the server uses, and the embedded store behind it.

Only this package knows SQL.
"""

from __future__ import annotations

from trailmark_server.store.clean import clean
from trailmark_server.store.errors import (
    CursorError,
    DamagedError,
    ExistsError,
    FullError,
    NotFoundError,
    StoreError,
    TooLongError,
)
from trailmark_server.store.prices import reprice
from trailmark_server.store.protocol import Capabilities, Health, Reader, Repriced, Store, Writer
from trailmark_server.store.questions import GROUPS, METRICS, QUERY_S, SKELETON_PAGE, SORTS, Bounds
from trailmark_server.store.recover import recover
from trailmark_server.store.sqlite import open_store
from trailmark_server.store.upkeep import prune, vacuum

__all__ = [
    "GROUPS",
    "METRICS",
    "QUERY_S",
    "SKELETON_PAGE",
    "SORTS",
    "Bounds",
    "Capabilities",
    "CursorError",
    "DamagedError",
    "ExistsError",
    "FullError",
    "Health",
    "NotFoundError",
    "Reader",
    "Repriced",
    "Store",
    "StoreError",
    "TooLongError",
    "Writer",
    "clean",
    "open_store",
    "prune",
    "recover",
    "reprice",
    "vacuum",
]
