"""Work on many traces: a page at a time, so that others write in between, and with each page how far it is.

What a page does and the place it reached are stored together. Whoever opens the store next goes on from there: nothing
is done twice, nothing is left out.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from uuid import uuid4

from trailmark_server.query import QueryError
from trailmark_server.store import (
    Bounds,
    DamagedError,
    FullError,
    NotFoundError,
    Reader,
    Store,
    StoreError,
    Writer,
    vacuum,
)

__all__ = ["Job", "Worker", "action", "advance", "found", "listed", "start", "stop", "turn_of"]

Job = dict[str, Any]
Row = dict[str, Any]
Act = Callable[[Writer, Row], Any]
SPANS: Final = 500  # a turn deletes no more, unless one trace has more: some 50 ms of the writer
TRACES: Final = 100  # a turn changes no more
KEPT_US: Final = 7 * 86_400_000_000  # what ended is told about for so long
LOOK_S: Final = 30.0  # between two tries while the disk is full
log = logging.getLogger("trailmark.server")


def start(store: Store, project: str, act: str, *, total: int, query: str = "", bounds: Bounds = (None, None),
          **more: Any) -> Job:  # fmt: skip
    """Write down what is to be done, for a `Worker`; `act`: delete, tag, untag, score, or drop for a whole project.

    Traces that begin after the newest of now are not meant, but by drop.
    """
    now = time.time_ns() // 1000
    with store.read() as reader:
        newest = reader.trace_rows(project, limit=1)["rows"]
        ended = [one["id"] for one in reader.documents("job") if (one["ended_us"] or now) < now - KEPT_US]
    until = min(filter(None, (bounds[1], newest[0]["start_us"] + 1 if newest else None)), default=None)
    job = {
        "id": str(uuid4()), "project": project, "action": act, "query": query, "from_us": bounds[0], "to_us": until,
        "state": "running", "total": total, "done": 0, "detail": "", "started_us": now, "ended_us": None, "next": None,
        **more,
    }  # fmt: skip

    def write(writer: Writer) -> None:
        for id in ended:
            writer.drop_document("job", id)
        _put(writer, job)

    store.write(write)
    return job


def found(reader: Reader, id: str) -> Job:
    """NotFoundError when there is none."""
    body = reader.document("job", id)
    if body is None:
        raise NotFoundError(f"no job {id}")
    return {"id": id, **body}


def listed(reader: Reader) -> list[Job]:
    """Newest first."""
    return sorted(reader.documents("job"), key=lambda job: -job["started_us"])


def stop(store: Store, id: str) -> None:
    """What is done stays done, the rest is left; NotFoundError when there is none."""
    with store.read() as reader:
        job = found(reader, id)
    if job["state"] == "running":  # told beside the job: the turn that runs writes the job's own document
        store.write(lambda writer: writer.put_document("job-stop", id, {}))


def advance(store: Store, job: Job) -> Job:
    """One turn; the job as it is then."""
    with store.read(timeout_s=None) as reader:
        if reader.document("job-stop", job["id"]) is not None:
            return _ended(store, job, "stopped")
        rows, after = _page(reader, job)
    act = action(job)

    def turn(writer: Writer) -> Job:
        for row in rows:
            act(writer, row)
        went = {**job, "done": job["done"] + len(rows), "next": after}
        _put(writer, went)
        return went

    if rows:
        job = store.write(turn)
    if after is None:
        while job["action"] == "drop" and not _dropped(store, job):
            pass  # traces that came in meanwhile
        return _ended(store, job, "done")
    return job


def action(given: Job) -> Act:
    """What is done to one trace, by its row."""
    act, tag, score = given["action"], given.get("tag"), given.get("score")
    if act in ("delete", "drop"):
        return lambda writer, row: writer.delete_trace(row["id"])
    if act == "score":
        at = {"k": "score", "ver": given["started_us"], "ts_us": given["started_us"], "project": given["project"]}
        return lambda writer, row: writer.put([{**at, "trace_id": row["id"], **(score or {})}])
    change, has_it = ("+tags", False) if act == "tag" else ("-tags", True)

    def turn(writer: Writer, row: Row) -> None:
        if (tag in row["tags"]) is has_it:
            writer.patch("trace", row["id"], {change: [tag]})

    return turn


def turn_of(rows: list[Row]) -> list[Row]:
    """The first of them, as many as a turn takes."""
    spans = 0
    for n, row in enumerate(rows[:TRACES]):
        spans += row["spans"]
        if n and spans > SPANS:
            return rows[:n]
    return rows[:TRACES]


class Worker:
    """All jobs of all stores in turns, on a thread of its own."""

    def __init__(self, stores: Callable[[], Iterable[Store]]) -> None:
        self._stores = stores
        self._stop, self._news = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def tell(self) -> None:
        """There is a job; the first starts the thread."""
        self._news.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="trailmark-jobs", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """After the turn it is at; what is left goes on when the store is served again."""
        self._stop.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._news.clear()
            while not self._stop.is_set() and self._round():
                pass
            self._news.wait()

    def _round(self) -> bool:
        """A turn of each job; whether there was one."""
        had = False
        for store in self._stores():
            for job in self._running(store):
                had = True
                begun = time.monotonic()
                self._advance(store, job)
                self._stop.wait(min(1.0, time.monotonic() - begun))  # as long as it worked: ingest comes first
        return had

    def _running(self, store: Store) -> Iterator[Job]:
        try:
            with store.read() as reader:
                jobs = [job for job in reader.documents("job") if job["state"] == "running"]
        except StoreError as error:
            log.warning("jobs of %s wait: %s", store.path, error)
            return
        yield from jobs

    def _advance(self, store: Store, job: Job) -> None:
        try:
            if advance(store, job)["state"] == "done" and job["action"] in ("delete", "drop"):
                vacuum(store, self._stop.is_set)
        except (FullError, DamagedError) as error:
            log.warning("job %s waits: %s", job["id"], error)
            self._stop.wait(LOOK_S)
        except (StoreError, QueryError) as error:  # the query of a job from before an upgrade may be none any more
            log.warning("job %s failed: %s", job["id"], error)
            with contextlib.suppress(StoreError):
                _ended(store, job, "failed", str(error))


def _page(reader: Reader, job: Job) -> tuple[list[Row], Any]:
    """The traces of the next turn and where the one after goes on; None when this is the last."""
    until = None if job["action"] == "drop" else job["to_us"]
    if job["action"] not in ("delete", "drop"):
        page = reader.trace_rows(
            job["project"], query=job["query"], bounds=(job["from_us"], until), sort="start", limit=TRACES,
            cursor=job["next"],
        )  # fmt: skip
        return page["rows"], page["next"]
    start = job["next"] if job["next"] is not None else job["from_us"]  # before it nothing is left to be found
    page = reader.trace_rows(job["project"], query=job["query"], bounds=(start, until), sort="start", limit=TRACES)
    rows = turn_of(page["rows"])
    is_last = page["next"] is None and len(rows) == len(page["rows"])
    return rows, None if is_last else rows[-1]["start_us"]


def _dropped(store: Store, job: Job) -> bool:
    try:
        return store.write(lambda writer: writer.drop_project(job["project"], TRACES))
    except NotFoundError:
        return True


def _ended(store: Store, job: Job, state: str, detail: str = "") -> Job:
    job = {**job, "state": state, "detail": detail, "ended_us": time.time_ns() // 1000, "next": None}

    def write(writer: Writer) -> Job:
        _put(writer, job)
        with contextlib.suppress(NotFoundError):
            writer.drop_document("job-stop", job["id"])
        return job

    return store.write(write)


def _put(writer: Writer, job: Job) -> None:
    writer.put_document("job", job["id"], {name: value for name, value in job.items() if name != "id"})
