"""A copy of a database in use: of one moment, checked, there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from trailmark_server.store.errors import StoreError

__all__ = ["copy_to"]


def copy_to(source: Path, target: Path) -> None:
    """StoreError when it cannot be made or does not check; then nothing is left behind."""
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with contextlib.closing(sqlite3.connect(source)) as db, contextlib.closing(sqlite3.connect(part)) as copy:
            db.backup(copy)  # in one step: writers go on beside it, and do not make it begin anew
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, to be moved about
            [found] = copy.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise StoreError(f"the copy of {source} does not check: {found}")
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except FileExistsError:
        raise StoreError(f"{part} is there: another backup runs, or one was broken off; remove it first") from None
    except (sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"no backup in {target}: {error}") from error
    except StoreError:
        part.unlink(missing_ok=True)
        raise
