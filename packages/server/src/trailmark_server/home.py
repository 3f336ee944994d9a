"""The folder a server works in: one server at a time, and where it can be found."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trailmark_server.store import StoreError

__all__ = ["announce", "database", "default_home", "lock", "running_server"]


def default_home() -> Path:
    """As the programs that record: TRAILMARK_HOME, or ~/.trailmark."""
    return Path(os.environ.get("TRAILMARK_HOME") or "~/.trailmark").expanduser()


def database(home: Path) -> Path:
    return home / "trailmark.db"


@contextmanager
def lock(home: Path) -> Iterator[bool]:
    """Whether this process may ingest for the home: one at a time does."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(home / "ingest.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write to {home}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)


@contextmanager
def announce(home: Path, url: str) -> Iterator[None]:
    """Say in `server.json` where the server is, for as long as it runs."""
    path = home / "server.json"
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "url": url}, file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_server(home: Path) -> str | None:
    """The address of the server that runs on this home."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((home / "server.json").read_text(encoding="utf-8"))
        os.kill(told["pid"], 0)
        return str(told["url"])
    return None
