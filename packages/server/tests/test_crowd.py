"""Many clients at once: nothing that was acknowledged is lost, and what they hold of the memory is bounded."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import orjson
from trailmark_server.api import create_app
from trailmark_server.api.access import Access
from trailmark_server.api.load import Load
from trailmark_server.api.security import Rules
from trailmark_server.keys import Keys
from trailmark_server.store import open_store

from .conftest import answering, new_id, span

INGEST = "/api/v1/ingest"


@contextmanager
def serving(home: Path, load: Load) -> Iterator[httpx2.Client]:
    store = open_store(home / "trailmark.db")
    with answering(create_app(store, home, rules=Rules(Access(Keys(home)), load=load))) as client:
        yield client
    store.close()


def begun(http: httpx2.Client, body: bytes) -> tuple[socket.socket, bytes]:
    """A request whose last byte is not sent yet, and that byte."""
    connection = socket.create_connection((http.base_url.host, http.base_url.port), timeout=10)
    head = f"POST {INGEST} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + body[:-1])
    return connection, body[-1:]


def test_what_is_too_much_at_once_comes_again_later(tmp_path: Path) -> None:
    load = Load(max_bytes=10_000)
    first, second = (orjson.dumps(span(output="x" * 9_000)) for _ in range(2))
    with serving(tmp_path, load) as http:
        connection, rest = begun(http, first)
        with connection:
            while load.bytes < len(first) - 1:
                http.get("/healthz")
            told = http.get("/metrics").text
            refused = http.post(INGEST, content=second)
            connection.sendall(rest)
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        while load.bytes:
            http.get("/healthz")
        taken = http.post(INGEST, content=second)

    assert f"trailmark_held_bytes {len(first) - 1}\n" in told
    assert "trailmark_held_bytes_max 10000\n" in told
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert taken.json() == {"accepted": 1, "rejected": []}


def test_one_body_alone_may_be_as_large_as_any(tmp_path: Path) -> None:
    with serving(tmp_path, Load(max_bytes=10)) as http:
        assert http.post(INGEST, content=orjson.dumps(span())).status_code == 200


def test_nothing_that_was_acknowledged_to_a_crowd_is_lost(http: httpx2.Client) -> None:
    """Each client has spans of its own, and a version of one that all of them send."""
    shared = span(name="shared")
    own = [
        [span(project="crowd", trace_id=shared["trace_id"], id=new_id(), parent_id=shared["id"]) for _ in range(2)]
        for _ in range(32)
    ]

    def client(n: int) -> int:
        newer = {**shared, "project": "crowd", "ver": 10 + n, "output": n}
        with httpx2.Client(base_url=http.base_url, trust_env=False, timeout=60) as mine:
            for record in random.sample([*own[n], newer], 3):
                answer = mine.post(INGEST, content=orjson.dumps(record))
                assert answer.json() == {"accepted": 1, "rejected": []}
        return n

    with ThreadPoolExecutor(32) as pool:
        assert sorted(pool.map(client, range(32))) == list(range(32))
    found = http.get(f"/api/v1/traces/{shared['trace_id']}").json()
    assert sorted(found["cols"]["id"]) == sorted(
        [shared["id"], *(record["id"] for records in own for record in records)]
    )
    assert http.get(f"/api/v1/spans/{shared['id']}").json()["output"] == 31


def test_a_span_of_another_projects_trace_changes_nothing_there(http: httpx2.Client) -> None:
    """Its trace is one and the same: the span is in it, under the trace's project."""
    mine = span(project="mine", name="root", trace={"input": "secret"})
    other = span(project="theirs", trace_id=mine["trace_id"], parent_id=mine["id"], name="stray")
    for record in (mine, other):
        http.post(INGEST, content=orjson.dumps(record))
    trace = http.get(f"/api/v1/traces/{mine['trace_id']}").json()["trace"]
    assert (trace["project"], trace["name"], trace["input"]) == ("mine", "root", "secret")
    listed = {name: http.get(f"/api/v1/projects/{name}/traces").json() for name in ("mine", "theirs")}
    assert [len(page.get("rows", [])) for page in listed.values()] == [1, 0]


def test_a_chain_of_any_depth_is_stored_and_read(http: httpx2.Client) -> None:
    count = 10_000
    trace_id, ids = new_id(), [new_id() for _ in range(count)]
    chain = [span(id=id, trace_id=trace_id, parent_id=above) for id, above in zip(ids, [None, *ids], strict=False)]
    answer = http.post(INGEST, content=b"\n".join(map(orjson.dumps, reversed(chain))), timeout=60)
    assert answer.json()["accepted"] == count
    found = http.get(f"/api/v1/traces/{trace_id}", timeout=60).json()
    assert found["trace"]["spans"] == count


def test_a_project_that_is_deleted_while_it_records_begins_anew(http: httpx2.Client) -> None:
    http.post(INGEST, content=orjson.dumps(span(project="gone", name="before")))
    assert http.delete("/api/v1/projects/gone", params={"expected": 1}).json() == {"done": 1}
    http.post(INGEST, content=orjson.dumps(span(project="gone", name="after")))
    rows = http.get("/api/v1/projects/gone/traces").json()["rows"]
    assert [row["name"] for row in rows] == ["after"]
