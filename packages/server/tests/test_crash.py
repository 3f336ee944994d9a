"""kill -9 of the server under load: what it acknowledged is there, and once."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from .conftest import span

ROUNDS = 20
TRAILMARK = Path(sys.executable).with_name("trailmark")


def started(home: Path) -> tuple[subprocess.Popen[str], str]:
    server = subprocess.Popen([TRAILMARK, "serve", "--home", home, "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    with server.stdout as told:
        return server, next(word for word in told.readline().split() if word.startswith("http"))


def batch() -> list[dict[str, Any]]:
    root = span(name="root", trace={"scores": [{"name": "q", "value": 1}], "tags": ["t"]}, total_cost=0.25, type="llm")
    more = [
        span(trace_id=root["trace_id"], parent_id=root["id"], input="x" * random.randint(0, 3000)) for _ in range(9)
    ]
    return [root, *more]


def send(url: str, records: list[dict[str, Any]]) -> bool:
    body = b"\n".join(map(orjson.dumps, records))
    try:
        answer = httpx2.post(
            f"{url}/api/v1/ingest",
            content=body,
            headers={"Content-Type": "application/x-ndjson"},
            trust_env=False,
            timeout=30,
        )
    except httpx2.HTTPError:
        return False
    return answer.status_code == 200 and answer.json()["accepted"] == len(records)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_doubled_by_kills_of_the_server(tmp_path: Path) -> None:
    """Clients send batches, and again what was not acknowledged; the server dies twenty times meanwhile."""
    acknowledged: list[list[dict[str, Any]]] = []
    unsure: list[list[dict[str, Any]]] = []
    for _ in range(ROUNDS):
        server, url = started(tmp_path)
        stop = threading.Event()

        def client(url: str = url, stop: threading.Event = stop) -> None:
            while not stop.is_set():
                records = unsure.pop() if unsure and random.random() < 0.5 else batch()
                (acknowledged if send(url, records) else unsure).append(records)

        clients = [threading.Thread(target=client) for _ in range(3)]
        for thread in clients:
            thread.start()
        time.sleep(random.uniform(0.2, 1.0))
        server.send_signal(signal.SIGKILL)
        stop.set()
        for thread in clients:
            thread.join()
        server.wait()
    server, url = started(tmp_path)
    assert all(send(url, records) for records in unsure)
    server.send_signal(signal.SIGKILL)
    server.wait()
    wanted = {record["id"] for records in (*acknowledged, *unsure) for record in records}
    with sqlite3.connect(tmp_path / "trailmark.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = [str(row[0]) for row in db.execute("SELECT hex(span_id) FROM spans")]
        sums = db.execute("SELECT count(*), sum(span_count), sum(cost) FROM traces").fetchone()
        bodies = db.execute("SELECT count(*) FROM spans s JOIN payloads b ON b.kind=0 AND b.seq=s.seq").fetchone()
        scores = db.execute("SELECT count(*) FROM scores").fetchone()
    db.close()
    assert len(acknowledged) > ROUNDS
    assert sorted(stored) == sorted(id.replace("-", "").upper() for id in wanted)
    assert sums == (len(wanted) // 10, len(wanted), len(wanted) // 10 * 0.25)
    assert (bodies, scores) == ((len(wanted),), (len(wanted) // 10,))
