"""Who owns a segment, and whether that process still runs: a record lock on `<owner>.own` tells.

A record lock, not flock: a forked child would keep a dead parent's flock. Record locks do not conflict within a process
and are dropped when *any* descriptor of the file is closed, so an own mark is known by name and never opened again.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import time
from pathlib import Path
from typing import Final

from trailmark._fork import fork_mark

__all__ = ["Owner", "is_alive", "owner_of", "told", "try_adopt"]

NO_LOCKS_AGE_S: Final = 600.0

_counter = itertools.count()
_held: dict[str, int] = {}  # name → descriptor, of marks this process holds: its own and those it adopted
_held_by = fork_mark()


def _holding() -> dict[str, int]:
    global _held, _held_by
    if not _held_by[0]:
        _held, _held_by = {}, fork_mark()
    return _held


def owner_of(path: Path) -> str:
    """The owner's name in a segment's file name."""
    return path.name.split(".", 1)[0]


class Owner:
    """This process as the owner of segments in a folder; a process may be several owners."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{_boot()}-{os.getpid()}-{time.time_ns()}{next(_counter)}"
        self.path = folder / f"{self.name}.own"
        fd = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with contextlib.suppress(OSError):  # a file system without locks: others go by age and pid
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _holding()[self.name] = fd

    def tell(self, report: bytes) -> None:
        """Leave word in the mark, for who reads the spool here."""
        fd = _holding().get(self.name, -1)  # never by its name: closing that would give up the lock
        if fd >= 0:
            os.pwrite(fd, report, 0)
            os.ftruncate(fd, len(report))

    def release(self, *, remove: bool) -> None:
        """From now on this owner counts as dead; without segments its mark goes too."""
        if remove:
            self.path.unlink(missing_ok=True)
        _close(self.name)


def release(name: str, path: Path, *, remove: bool) -> None:
    """Give an adopted owner back, or its mark up."""
    if remove:
        path.unlink(missing_ok=True)
    _close(name)


def _close(name: str) -> None:
    fd = _holding().pop(name, -1)
    if fd >= 0:
        os.close(fd)


def is_alive(mark: Path) -> bool:
    """Whether the owner of this mark still runs, or somebody has adopted what it left."""
    if mark.stem in _holding():
        return True
    fd = _lock(mark)
    if fd is None:
        return False
    if fd >= 0:
        os.close(fd)
    return fd < 0


def told(mark: Path) -> bytes:
    """What the owner of this mark left word of; nothing when it is our own."""
    if mark.stem in _holding():
        return b""
    try:
        return mark.read_bytes()
    except OSError:  # gone, or somebody else's
        return b""


def try_adopt(mark: Path) -> bool:
    """Take a dead owner's place; False when it lives, or somebody else was faster."""
    if mark.stem in _holding():
        return False
    fd = _lock(mark, create=True)
    if fd is None or fd < 0:
        return False
    try:
        same = os.fstat(fd).st_ino == mark.stat().st_ino  # another adopter may have finished and removed it meanwhile
    except OSError:
        same = False
    if not same:
        os.close(fd)
        return False
    _holding()[mark.stem] = fd
    return True


def _lock(mark: Path, *, create: bool = False) -> int | None:
    """A descriptor that holds the lock; -1 when another process does; None when there is no mark."""
    try:
        fd = os.open(mark, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o600)
    except FileNotFoundError:
        return None
    except OSError:
        return -1
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.close(fd)
        return -1
    except OSError:  # no locks here: dead is what is old and whose pid is gone
        if time.time() - os.fstat(fd).st_mtime > NO_LOCKS_AGE_S and not _pid_runs(mark):
            return fd
        os.close(fd)
        return -1
    return fd


def _pid_runs(mark: Path) -> bool:
    try:
        os.kill(int(mark.name.split("-")[1]), 0)
    except (OSError, ValueError, IndexError):
        return False
    return True


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes()[:8].decode()
    except OSError:
        return "0"
