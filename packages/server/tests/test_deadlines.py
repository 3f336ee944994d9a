"""Clients that ask slowly, or not at all: they are told so or cut off, and nobody else waits for them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from trailmark_server.api import create_app
from trailmark_server.api.access import Access
from trailmark_server.api.deadlines import Server
from trailmark_server.api.security import Rules
from trailmark_server.keys import Keys
from trailmark_server.store import open_store

from .conftest import answering, span

LONG = 3600.0
SHORT = 0.4


@contextmanager
def serving(home: Path, head_s: float, body_s: float, **config: Any) -> Iterator[httpx2.Client]:
    store = open_store(home / "trailmark.db")
    app = create_app(store, home, rules=Rules(Access(Keys(home)), body_s=body_s))
    with answering(app, partial(Server, head_s=head_s), keepalive=0, timeout_keep_alive=3600, **config) as client:
        yield client
    store.close()


@pytest.fixture(scope="module", params=["h11", "httptools"])
def impatient_for_heads(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx2.Client]:
    with serving(tmp_path_factory.mktemp("heads"), SHORT, LONG, http=request.param) as http:
        yield http


@pytest.fixture(scope="module")
def impatient_for_bodies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    with serving(tmp_path_factory.mktemp("bodies"), LONG, SHORT) as http:
        yield http


@contextmanager
def connected(http: httpx2.Client, said: str, *, receive_buffer: int = 65536) -> Iterator[socket.socket]:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(10)
        connection.connect((http.base_url.host, http.base_url.port))
        connection.sendall(said.replace("HOST", f"127.0.0.1:{http.base_url.port}").encode())
        yield connection


def heard(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


PING = "GET /api/is-alive/ping HTTP/1.1\r\nHost: HOST\r\n\r\n"


@pytest.mark.parametrize("said", ["", "GET / HT", "GET / HTTP/1.1\r\nHost: HOST\r\nX-Slow: 1\r\n"])
def test_a_head_that_does_not_end_closes_its_connection(impatient_for_heads: httpx2.Client, said: str) -> None:
    with connected(impatient_for_heads, said) as slow:
        assert impatient_for_heads.get("/healthz").status_code == 200
        assert heard(slow) == b""


def test_a_second_head_that_does_not_end_closes_it_too(impatient_for_heads: httpx2.Client) -> None:
    with connected(impatient_for_heads, PING + "GET /again") as slow:
        answer = heard(slow)

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'{"healthy":true}')


def test_a_head_that_comes_byte_by_byte_gets_no_more_time(impatient_for_heads: httpx2.Client) -> None:
    with connected(impatient_for_heads, "GET / HTTP/1.1\r\nX-Slow: ") as slow:
        slow.settimeout(0.05)
        said = 0
        while said < 1000:
            try:
                slow.sendall(b"x")
                said += 1
                if slow.recv(10) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert said < 1000


def test_an_answer_that_is_read_slowly_is_whole(impatient_for_heads: httpx2.Client) -> None:
    records = [span(project="big", output="x" * 50_000) for _ in range(100)]
    impatient_for_heads.post("/api/v1/ingest", content=b"\n".join(map(orjson.dumps, records)))
    ask = "GET /api/v1/projects/big/export HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
    with connected(impatient_for_heads, ask, receive_buffer=4096) as reading:
        answer = reading.recv(1000)
        with connected(impatient_for_heads, "") as idle:
            assert heard(idle) == b""  # as long as a head may take
        answer += heard(reading)
    assert all(record["id"].encode() in answer for record in records)
    assert answer.endswith(b"0\r\n\r\n")


def test_a_body_that_stops_is_answered_with_408(impatient_for_bodies: httpx2.Client) -> None:
    for route in ("/api/v1/ingest", "/api/v1/projects", "/api/v1/private/traces/batch", "/v1/traces"):
        head = f"POST {route} HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
        with connected(impatient_for_bodies, head) as slow:
            answer = heard(slow)
        assert answer.startswith(b"HTTP/1.1 408"), (route, answer)
        assert b"\r\nconnection: close\r\n" in answer.lower()
        assert b"application/problem+json" in answer


def test_a_body_that_comes_byte_by_byte_is_answered_with_408(impatient_for_bodies: httpx2.Client) -> None:
    head = "POST /api/v1/ingest HTTP/1.1\r\nHost: HOST\r\nContent-Length: 100000\r\n\r\n"
    with connected(impatient_for_bodies, head) as slow:
        slow.settimeout(0.01)
        answer, said = b"", 0
        while not answer and said < 10_000:
            with suppress(ConnectionError):  # closed already, the answer is still there to be read
                slow.sendall(b" ")
            said += 1
            with suppress(TimeoutError):
                answer = slow.recv(100)
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_body_that_makes_progress_may_take_longer_than_the_deadline(impatient_for_bodies: httpx2.Client) -> None:
    record = orjson.dumps(span())
    pause = threading.Event()

    def pieces() -> Iterator[bytes]:
        for _ in range(8):
            yield b"\n" * 1000  # a second more each
            pause.wait(SHORT / 4)
        yield record

    answer = impatient_for_bodies.post("/api/v1/ingest", content=pieces())
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
