"""The embedded store: one SQLite file, one thread that writes, readers beside it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from trailmark_server.store import filters
from trailmark_server.store.backup import copy_to
from trailmark_server.store.errors import DamagedError, FullError, StoreError, TooLongError
from trailmark_server.store.indexer import Indexer
from trailmark_server.store.methods import SqliteReader, SqliteWriter
from trailmark_server.store.protocol import Capabilities, Health, Store
from trailmark_server.store.questions import QUERY_S
from trailmark_server.store.rows import pack_records
from trailmark_server.store.schema import VERSION, connect, prepare
from trailmark_server.store.windows import Windows

__all__ = ["SqliteStore", "open_store"]

R = TypeVar("R")
_Job = tuple[Callable[[SqliteWriter], Any], "_Answer"]
MAX_JOBS: Final = 64
MAX_IDLE: Final = 4  # connections of readers that are kept
WRITER_CACHE_KB: Final = 98_304
READER_CACHE_KB: Final = 8_192
STEPS: Final = 20_000  # of SQLite's machine between two looks at the clock
_CAPABILITIES: Final = Capabilities(
    backend="sqlite", text="words", phrases=True, quantiles="exact", reads_own_writes=True, snapshots=True
)


def open_store(path: Path, *, indexing: bool = False) -> Store:
    """The store in this file, made when there is none; `indexing`: it fills its text index meanwhile.

    StoreError when it is no database of ours, or a newer one.
    """
    return SqliteStore(path, indexing=indexing)


def _way_out(error: Exception) -> str:
    """What to do about a file that is the trouble itself, and not the disk or who asks."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_CORRUPT:
        return "; trailmark doctor --recover saves what is left"
    return "; move it away to start anew" if code == sqlite3.SQLITE_NOTADB else ""


class _Answer:
    """What a job came to, for the thread that waits for it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None


class SqliteStore:
    """`write` returns after the commit; `read` sees what was committed before it began."""

    schema = VERSION

    def __init__(self, path: Path, *, indexing: bool = False) -> None:
        self.path = path
        self._indexer = Indexer(self.index_text, lambda: self.write(lambda writer: writer.merge_text()))
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._idle: deque[tuple[sqlite3.Connection, Windows]] = deque()
        self._trouble: FullError | DamagedError | None = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.closing(connect(str(path), cache_kb=READER_CACHE_KB)) as db:
                prepare(db, path)
            path.chmod(0o600)
        except (sqlite3.Error, OSError, StoreError) as error:
            raise StoreError(f"{path} is not a usable database: {error}{_way_out(error)}") from error
        self._thread = threading.Thread(target=self._run, name="trailmark-writer", daemon=True)
        self._thread.start()
        self._is_indexing = indexing
        if indexing:
            self._indexer.start()

    def put(
        self, records: Iterable[dict[str, Any]], owner: str = "", taken: tuple[str, dict[int, int]] | None = None
    ) -> None:
        """Store checked records; what can be made of them beforehand is made in the caller's thread."""
        packed = pack_records(records)

        def store(writer: SqliteWriter) -> None:
            if taken is None or writer.advance(*taken):
                writer.put(packed, owner)

        self.write(store)

    def write(self, job: Callable[[SqliteWriter], R]) -> R:
        """Run the job in the writer's transaction; what it raises is raised here, and its changes are undone."""
        if isinstance(self._trouble, DamagedError):
            raise self._trouble
        answer = _Answer()
        self._jobs.put((job, answer))
        answer.done.wait()
        if answer.error is not None:
            raise answer.error
        result: R = answer.result
        return result

    @contextmanager
    def read(self, *, timeout_s: float | None = QUERY_S) -> Iterator[SqliteReader]:
        """A consistent view, on a connection of its own."""
        db, windows = self._connection()
        if timeout_s is not None:
            deadline = time.monotonic() + timeout_s
            db.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
        try:
            db.execute("BEGIN")
            yield SqliteReader(db)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise TooLongError(f"the query took more than {timeout_s:g} s; narrow it by time or project") from error
            raise _explained(error) from error
        except sqlite3.DatabaseError as error:
            raise _explained(error) from error
        finally:
            db.set_progress_handler(None, 0)
            windows.forget()
            self._give_back(db, windows)

    def index_text(self) -> int:
        """Index a batch of what waits; returns how many that were."""
        with self.read(timeout_s=None) as reader:
            documents = reader.waiting()
        if documents:
            self.write(lambda writer: writer.index(documents))
        return len(documents)

    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    def health(self) -> Health:
        """Whether it takes writes, and how far its text index is."""
        trouble = self._trouble
        state = "ok" if trouble is None else "full" if isinstance(trouble, FullError) else "damaged"
        unindexed = 0
        with contextlib.suppress(StoreError), self.read(timeout_s=5) as reader:
            unindexed = reader.unindexed()
        return Health(state, str(trouble or ""), unindexed)  # type: ignore[arg-type]

    def disk_bytes(self) -> int:
        """The database with its log."""
        names = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(path.stat().st_size for path in names if path.exists())

    def used_bytes(self) -> int:
        """What its data takes."""
        with self.read() as reader:
            return reader.used_bytes()

    def free_bytes(self) -> int:
        """What a vacuum would give back to the disk."""
        with self.read() as reader:
            return reader.free_bytes()

    def backup(self, path: Path) -> None:
        """A copy of this moment, checked, while writes go on. StoreError when it cannot be made or does not check."""
        copy_to(self.path, path)

    def close(self) -> None:
        """After what is queued is written."""
        if self._is_indexing:
            self._indexer.stop()
        self._jobs.put(None)
        self._thread.join()
        while self._idle:
            self._idle.pop()[0].close()

    def _connection(self) -> tuple[sqlite3.Connection, Windows]:
        try:
            return self._idle.pop()
        except IndexError:
            db = connect(str(self.path), cache_kb=READER_CACHE_KB)
            db.execute("PRAGMA query_only=ON")
            return db, filters.add_functions(db)

    def _give_back(self, db: sqlite3.Connection, windows: Windows) -> None:
        if db.in_transaction:
            db.execute("ROLLBACK")
        if len(self._idle) < MAX_IDLE:
            self._idle.append((db, windows))
        else:
            db.close()

    def _run(self) -> None:
        db = connect(str(self.path), cache_kb=WRITER_CACHE_KB)
        writer = SqliteWriter(db)
        while (batch := self._next_jobs()) is not None:
            self._commit(db, writer, batch)
        with contextlib.suppress(sqlite3.Error):
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

    def _commit(self, db: sqlite3.Connection, writer: SqliteWriter, jobs: list[_Job]) -> None:
        """All in one transaction; when one fails, everything is undone and each is done anew in its own.

        Savepoints would spare that, but copy every page a job changes: they doubled what ingest costs.
        """
        failed = True
        try:
            db.execute("BEGIN IMMEDIATE")
            for job, answer in jobs:
                answer.result = job(writer)
            failed = False
            writer.roll_up()
            db.execute("COMMIT")
            self._trouble = None
            self._indexer.tell()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may take this for stored
            self._undo(db, writer)
            if len(jobs) > 1 and not _is_of_disk(error):
                for one in jobs:
                    self._commit(db, writer, [one])
                return
            self._refuse(jobs, error if failed and not _is_of_disk(error) else _explained(error))
        for _, answer in jobs:
            answer.done.set()

    def _undo(self, db: sqlite3.Connection, writer: SqliteWriter) -> None:
        with contextlib.suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("ROLLBACK")
            writer.forget()

    def _refuse(self, jobs: list[_Job], error: Exception) -> None:
        if isinstance(error, (FullError, DamagedError)):
            self._trouble = error
        for _, answer in jobs:
            answer.error = error


def _is_of_disk(error: Exception) -> bool:
    """Not of a job: the others in its commit would fare no better."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def _explained(error: Exception) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and "full" in str(error)):
        return FullError("the disk is full: nothing was stored; reads go on, and writes once there is room")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedError(
            f"the database is damaged ({error}): nothing is written; trailmark doctor --recover saves what is left"
        )
    return StoreError(f"not stored: {error}")
