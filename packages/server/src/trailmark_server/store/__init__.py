"""The embedded store: one SQLite file, one writer. Only this package knows SQL."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from trailmark_server.store.clean import clean
from trailmark_server.store.errors import CursorError, NotFoundError, StoreError
from trailmark_server.store.filters import add_functions
from trailmark_server.store.read import Reader
from trailmark_server.store.schema import VERSION, migrate
from trailmark_server.store.write import Writer

__all__ = ["CursorError", "NotFoundError", "Reader", "Store", "StoreError", "Writer", "clean"]

R = TypeVar("R")
_Job = tuple[Callable[[Writer], Any], "_Answer"]
MAX_JOBS = 64


class _Answer:
    """What a job came to, for the thread that waits for it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None


class Store:
    """`write` returns after the commit; `read` sees what was committed before it began."""

    schema = VERSION

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._local = threading.local()
        try:
            with contextlib.closing(_connect(path)) as db:
                _prepare(db)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{path} is not a usable database: {error}; move it away to start anew") from error
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._run, name="trailmark-writer", daemon=True)
        self._thread.start()

    def write(self, job: Callable[[Writer], R]) -> R:
        """Run the job in the writer's transaction; what it raises is raised here, and its changes are undone."""
        answer = _Answer()
        self._jobs.put((job, answer))
        answer.done.wait()
        if answer.error is not None:
            raise answer.error
        result: R = answer.result
        return result

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """A consistent view, on a connection of this thread."""
        db = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = _connect(self.path)
            db.execute("PRAGMA query_only=ON")
        db.execute("BEGIN")
        try:
            yield Reader(db)
        finally:
            db.execute("ROLLBACK")

    def disk_bytes(self) -> int:
        """The database with its log."""
        names = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(path.stat().st_size for path in names if path.exists())

    def close(self) -> None:
        """After what is queued is written."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        db = _connect(self.path)
        writer = Writer(db)
        while (batch := self._next_jobs()) is not None:
            self._commit(db, writer, batch)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()

    def _next_jobs(self) -> list[_Job] | None:
        """What waits, to share one commit; None when the store closes."""
        first = self._jobs.get()
        if first is None:
            return None
        jobs = [first]
        while not self._jobs.empty() and len(jobs) < MAX_JOBS:
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _commit(self, db: sqlite3.Connection, writer: Writer, jobs: list[_Job]) -> None:
        try:
            db.execute("BEGIN IMMEDIATE")
            for job, answer in jobs:
                db.execute("SAVEPOINT job")
                try:
                    answer.result = job(writer)
                except Exception as error:  # noqa: BLE001 - handed to the thread that asked
                    answer.error = error
                    writer.forget()
                    db.execute("ROLLBACK TO job")
                db.execute("RELEASE job")
            writer.roll_up()
            db.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - full or damaged disk: nobody may take this for stored
            if db.in_transaction:
                db.execute("ROLLBACK")
            writer.forget()
            for _, answer in jobs:
                answer.error = answer.error or StoreError(f"not stored: {error}")
        for _, answer in jobs:
            answer.done.set()


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    for pragma in ("busy_timeout=10000", "synchronous=FULL", "cache_size=-65536", "temp_store=MEMORY"):
        db.execute(f"PRAGMA {pragma}")
    add_functions(db)
    return db


def _prepare(db: sqlite3.Connection) -> None:
    [tables] = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        db.execute("PRAGMA page_size=4096")
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
    db.execute("PRAGMA journal_mode=WAL")
    migrate(db)
