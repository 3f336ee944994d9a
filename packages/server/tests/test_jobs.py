"""Actions on more traces than a request may wait for."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from trailmark_server import jobs
from trailmark_server.api import create_app
from trailmark_server.store import FullError, NotFoundError, Store, open_store

from .conftest import START, answering, new_id, span

MANY = 10_050


def fill(store: Store, count: int, project: str = "many", **fields: Any) -> None:
    records = (
        span(project=project, name=f"n{n % 7}", start_us=START + n, trace={"tags": ["old"] * (n % 2)}, **fields)
        for n in range(count)
    )
    while batch := list(itertools.islice(records, 2000)):
        store.put(batch)


def names(store: Store, query: str = "", project: str = "many") -> int:
    with store.read() as reader:
        return int(reader.count(project, query=query, bounds=(None, None))["estimate"])


def finish(store: Store, job: jobs.Job) -> jobs.Job:
    while job["state"] == "running":
        job = jobs.advance(store, job)
    return job


def waited(http: httpx2.Client, id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = http.get(f"/api/v1/jobs/{id}").json()
        if job["state"] != "running":
            return job
        time.sleep(0.02)
    raise AssertionError(job)


@contextmanager
def working(store: Store, home: Path) -> Iterator[httpx2.Client]:
    app = create_app(store, home)
    with answering(app) as http:
        yield http
        app.state.jobs.stop()


def test_more_than_a_request_may_wait_for_is_a_job(store: Store, tmp_path: Path) -> None:
    fill(store, MANY)
    url = "/api/v1/projects/many"
    with working(store, tmp_path / "home") as http:
        wrong = http.post(f"{url}/bulk", json={"q": "", "action": "tag", "tag": "x", "expected": MANY - 1})
        begun = http.post(f"{url}/bulk", json={"q": "name:n*", "action": "untag", "tag": "old", "expected": MANY})
        http.delete(f"/api/v1/jobs/{begun.json()['id']}")
        stopped = waited(http, begun.json()["id"])
        left = names(store, "tag:old")
        dropped = http.delete(url, params={"expected": MANY})
        gone = waited(http, dropped.json()["id"])
        listed = http.get("/api/v1/jobs").json()

    assert (wrong.status_code, begun.status_code, dropped.status_code) == (409, 202, 202)
    assert begun.headers["location"] == f"api/v1/jobs/{begun.json()['id']}"
    assert stopped["total"] == MANY
    assert left == MANY // 2 - stopped["done"] // 2
    assert (gone["state"], gone["done"]) == ("done", MANY)
    assert [job["action"] for job in listed] == ["drop", "untag"]
    with store.read() as reader:
        assert reader.projects() == []


def test_a_stopped_job_keeps_what_is_done_and_says_how_much(store: Store, tmp_path: Path) -> None:
    fill(store, 300)
    job = jobs.advance(store, jobs.start(store, "many", "tag", total=300, tag="new"))
    with working(store, tmp_path / "home") as http:
        assert http.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
        jobs.advance(store, job)
        told = http.get(f"/api/v1/jobs/{job['id']}").json()
        assert http.get(f"/api/v1/jobs/{new_id()}").status_code == 404
    assert told["state"] == "stopped"
    assert 0 < told["done"] == names(store, "tag:new") < 300
    jobs.stop(store, job["id"])  # nothing to stop any more
    assert finish(store, told)["done"] == told["done"]


def test_a_job_means_the_traces_there_were_when_it_began(store: Store) -> None:
    fill(store, 250)
    job = jobs.advance(store, jobs.start(store, "many", "score", total=250, score={"name": "quality", "value": 1}))
    store.put([span(project="many", name="later", start_us=START + 10**6)])
    assert finish(store, job)["done"] == 250
    assert names(store, "score.quality:1") == 250
    assert names(store, "name:later -score.quality:*") == 1


def test_what_comes_into_a_project_while_it_is_deleted_goes_with_it_and_later_makes_it_anew(store: Store) -> None:
    fill(store, 150)
    job = jobs.advance(store, jobs.start(store, "many", "drop", total=150))
    store.put([span(project="many", start_us=START + 10**6)])
    assert finish(store, job)["done"] == 151
    with store.read() as reader:
        assert reader.projects() == []
    store.put([span(project="many")])
    assert names(store) == 1


def test_a_turn_takes_no_more_than_some_hundred_spans() -> None:
    rows = [{"spans": n} for n in (1, 300, 300, 2000, 1)]
    assert [len(jobs.turn_of(rows[at:])) for at in range(5)] == [2, 1, 1, 1, 1]
    assert len(jobs.turn_of([{"spans": 1}] * 1000)) == 100


KILLED = """
import os, sys
from pathlib import Path
from trailmark_server import jobs
from trailmark_server.store import open_store
store = open_store(Path(sys.argv[1]))
job = jobs.start(store, "many", sys.argv[2], total=1000, tag="new")
for _ in range(int(sys.argv[3])):
    job = jobs.advance(store, job)
print(job["id"], flush=True)
store.write(lambda writer: (jobs.action(job)(writer, {"id": "0" * 32, "tags": []}), os._exit(9)))
"""


@pytest.mark.parametrize(("act", "turns"), [("tag", 3), ("delete", 2), ("drop", 2)])
def test_a_killed_job_goes_on_where_it_was(tmp_path: Path, act: str, turns: int) -> None:
    path = tmp_path / "home" / "trailmark.db"
    store = open_store(path)
    fill(store, 1000)
    store.close()
    command = [sys.executable, "-c", KILLED, str(path), act, str(turns)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert killed.returncode == 9, killed.stderr

    store = open_store(path)
    worker = jobs.Worker(lambda: [store])
    worker.tell()
    job = ended(store, killed.stdout.strip())
    worker.stop()
    assert (job["state"], job["done"]) == ("done", 1000)
    assert names(store, "tag:new") == (1000 if act == "tag" else 0)
    assert names(store) == (1000 if act == "tag" else 0)
    with sqlite3.connect(path) as db:
        [edits] = db.execute("SELECT count(*) FROM edits").fetchone()
    db.close()
    assert edits == (1000 if act == "tag" else 0)  # none twice
    store.close()


def ended(store: Store, id: str) -> jobs.Job:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with store.read() as reader:
            job = jobs.found(reader, id)
        if job["state"] != "running":
            return job
        time.sleep(0.01)
    raise AssertionError(job)


class Paused:
    """A store whose second turn begins when it may."""

    def __init__(self, store: Store) -> None:
        self.path, self.read = store.path, store.read
        self._store, self._turns = store, 0
        self.free_bytes = lambda: 0
        self.reached, self.may = threading.Event(), threading.Event()

    def write(self, job: Any) -> Any:
        self._turns += 1
        if self._turns == 2:
            self.reached.set()
            self.may.wait(30)
        return self._store.write(job)


def test_others_write_between_the_turns_of_a_job(store: Store) -> None:
    fill(store, 300)
    paused = Paused(store)
    worker = jobs.Worker(lambda: [paused])  # type: ignore[list-item]
    job = jobs.start(store, "many", "delete", total=300)
    worker.tell()
    assert paused.reached.wait(30)
    store.put([span(name="beside", project="other")])
    with store.read() as reader:
        during = jobs.found(reader, job["id"])
    paused.may.set()
    assert ended(store, job["id"])["done"] == 300
    worker.stop()
    assert (during["state"], during["done"]) == ("running", 100)
    assert names(store, "name:beside", "other") == 1


def test_what_ended_long_ago_is_forgotten(store: Store) -> None:
    fill(store, 1)
    old = finish(store, jobs.start(store, "many", "tag", total=1, tag="a"))
    ago = {**old, "ended_us": old["ended_us"] - 8 * 86_400_000_000}
    store.write(lambda writer: writer.put_document("job", ago.pop("id"), ago))
    new = jobs.start(store, "many", "tag", total=1, tag="b")
    with store.read() as reader:
        assert [job["id"] for job in jobs.listed(reader)] == [new["id"]]
        with pytest.raises(NotFoundError, match="no job"):
            jobs.found(reader, old["id"])


def test_a_full_disk_makes_a_job_wait(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    fill(store, 400)
    job = jobs.start(store, "many", "tag", total=400, tag="new")

    class Full:
        path = store.path
        read = staticmethod(store.read)

        def write(self, _: Any) -> Any:
            raise FullError("the disk is full")

    worker = jobs.Worker(lambda: [Full()])  # type: ignore[list-item]
    worker.tell()
    deadline = time.monotonic() + 30
    while "waits: the disk is full" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.stop()
    assert "waits: the disk is full" in caplog.text
    assert finish(store, job)["done"] == 400


def test_a_job_that_cannot_go_on_says_why_and_the_next_one_is_done(store: Store) -> None:
    fill(store, 5)
    bad = jobs.start(store, "many", "tag", total=5, query="(name:n1", tag="new")
    good = jobs.start(store, "many", "tag", total=5, tag="new")
    worker = jobs.Worker(lambda: [store])
    worker.tell()
    assert ended(store, good["id"])["state"] == "done"
    failed = ended(store, bad["id"])
    worker.stop()
    assert (failed["state"], failed["done"]) == ("failed", 0)
    assert failed["detail"]
