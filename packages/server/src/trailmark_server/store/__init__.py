"""What was recorded: the seam every other part of the server uses, and the embedded store behind it.

Only this package knows SQL.
"""

from __future__ import annotations

from trailmark_server.store.clean import clean
from trailmark_server.store.errors import (
    CursorError,
    DamagedError,
    FullError,
    NotFoundError,
    StoreError,
    TooLongError,
)
from trailmark_server.store.prices import Repriced, reprice
from trailmark_server.store.protocol import Capabilities, Health, Store
from trailmark_server.store.read import Reader
from trailmark_server.store.sqlite import open_store
from trailmark_server.store.write import Writer

__all__ = [
    "Capabilities",
    "CursorError",
    "DamagedError",
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
    "reprice",
]
