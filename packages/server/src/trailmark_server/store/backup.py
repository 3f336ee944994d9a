"""A copy of a database in use: of one moment, checked, there whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from trailmark_server.store.errors import StoreError

__all__ = ["alone", "copy_to", "keep_before"]

SPARE: Final = 1.2  # of the database, free on the disk: its copy, and what the log of a migration takes
log = logging.getLogger("trailmark.server")


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


def keep_before(path: Path, found: int, wanted: int) -> None:
    """Copy the database beside itself before its schema changes; only the newest such copy stays.

    Without the room for one it goes on and says so: each step of a migration is whole or not at all.
    """
    copy = path.with_name(f"{path.name}.schema-{found}")
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    change = f"{path} goes from schema {found} to {wanted}"
    if free < size * SPARE:
        log.warning("%s without a copy: it takes %.1f MB, %.1f MB are free", change, size / 1e6, free / 1e6)
        return
    copy.with_name(f"{copy.name}.part").unlink(missing_ok=True)  # of one that was killed: we are alone here
    try:
        copy_to(path, copy)
    except StoreError as error:
        log.warning("%s without a copy: %s", change, error)
        return
    for older in path.parent.glob(f"{path.name}.schema-*"):
        if older != copy:
            older.unlink()
    log.warning("%s; as it was: %s (%.1f MB), delete it when all is well", change, copy, size / 1e6)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other process is in here for this folder meanwhile."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
