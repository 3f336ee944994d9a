"""Destinations that are silent, slow, endless, busy, closed or somebody else: the program goes on, nothing is lost."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trailmark

from .conftest import Collector

Reply = tuple[int, dict[str, str], bytes]


@trailmark.track
def step(n: int) -> int:
    return n


@contextmanager
def sockets(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server below HTTP: `serve` has each connection to itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=guarded, args=(connection,), daemon=True).start()

        def guarded(connection: socket.socket) -> None:
            with connection:
                try:
                    serve(connection)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


class Scripted:
    """A trailmark server that gives the replies it was told, then is honest; remembers when it was asked and what came."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.asked_at, self.stored = list(replies), [], {}  # type: ignore[var-annotated]
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send(200, {}, b"{}")

            def do_POST(self) -> None:
                self.send(*self.reply())

            def reply(self) -> Reply:
                lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
                scripted.asked_at.append(time.monotonic())
                if scripted.replies:
                    return scripted.replies.pop(0)
                if any(json.loads(line)["name"] == "poison" for line in lines):
                    return 400, {}, b"poison"
                for record in map(json.loads, lines):
                    scripted.stored[record["id"], record["ver"]] = record
                return 200, {}, b'{"accepted":1,"rejected":[]}'

            def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {"x-trailmark": "1", "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        """Never answers."""


def dripping(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-trailmark: 1\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.2)


def endless(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-trailmark: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def endless_headers(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x-more: " + b"y" * 1000 + b"\r\n")


def closing(connection: socket.socket) -> None:
    connection.recv(10)


@pytest.mark.parametrize(
    "serve", [silent, dripping, endless, endless_headers, closing], ids=lambda serve: serve.__name__
)
def test_a_server_that_makes_no_sense_costs_neither_time_nor_spans(home: Path, serve: Any) -> None:
    with sockets(serve) as url:
        trailmark.configure(url=url, flush_timeout=0.2)
        start = time.monotonic()
        for n in range(100):
            assert step(n) == n
        result = trailmark.flush(0.3)
        assert (result.pending, result.dropped, bool(result)) == (200, 0, False)
        trailmark.configure(url=None)
        assert time.monotonic() - start < 5


@pytest.mark.slow
def test_an_answer_without_end_is_given_up_and_delivery_goes_on(home: Path) -> None:
    turn = iter([dripping, endless, endless_headers])
    honest = Scripted()

    def serve(connection: socket.socket) -> None:
        next(turn, through)(connection)

    def through(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", honest.server.server_port)) as to:
            threading.Thread(target=copy, args=(to, connection), daemon=True).start()
            copy(connection, to)

    def copy(source: socket.socket, to: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                to.sendall(data)
        except OSError:
            return

    with sockets(serve) as url:
        trailmark.configure(url=url)
        step(1)
        assert trailmark.flush(60)
    assert {record["output"] for (_, ver), record in honest.stored.items() if ver == 2} == {1}


@pytest.mark.parametrize(("told", "at_least_s"), [("1", 0.95), ("-1", 0.2), ("nan", 0.2), ("soon", 0.2), ("", 0.2)])
def test_a_busy_server_is_asked_again_when_it_says(home: Path, told: str, at_least_s: float) -> None:
    server = Scripted((429, {"Retry-After": told} if told else {}, b""))
    trailmark.configure(url=server.url)
    step(1)
    assert trailmark.flush(20)
    assert server.asked_at[1] - server.asked_at[0] >= at_least_s


def test_a_busy_server_that_names_a_time_is_not_asked_before(home: Path) -> None:
    wall, began = time.time(), time.monotonic()
    until = int(wall) + 2  # a date has whole seconds
    server = Scripted((429, {"Retry-After": formatdate(until, usegmt=True)}, b""))
    trailmark.configure(url=server.url)
    step(1)
    assert trailmark.flush(20)
    assert server.asked_at[1] - began >= until - wall - 0.05


def test_a_rate_limit_reset_is_heeded_too(home: Path) -> None:
    server = Scripted((429, {"RateLimit-Reset": "1"}, b""))
    trailmark.configure(url=server.url)
    step(1)
    assert trailmark.flush(20)
    assert server.asked_at[1] - server.asked_at[0] >= 0.95


def test_an_absurd_wait_does_not_hold_the_exit(home: Path) -> None:
    server = Scripted((429, {"Retry-After": "1000000000"}, b""))
    trailmark.configure(url=server.url, flush_timeout=0.3)
    step(1)
    start = time.monotonic()
    assert trailmark.flush().pending == 2
    trailmark.configure(url=None)
    assert time.monotonic() - start < 5


def test_a_refused_key_is_not_hammered_and_nothing_is_dropped(home: Path) -> None:
    server = Scripted(*[(401, {}, b"who are you")] * 50)
    trailmark.configure(url=server.url, flush_timeout=0.2)
    for n in range(20):
        step(n)
    result = trailmark.flush(1.5)
    assert (result.pending, result.dropped) == (40, 0)
    assert len(server.asked_at) <= 2
    server.replies.clear()
    trailmark.configure(api_key="right", flush_timeout=20)  # a new key is tried at once, the spool is kept
    step(99)
    assert trailmark.flush(20)
    trailmark.configure(url=None)
    assert {record["output"] for (_, ver), record in server.stored.items() if ver == 2} == {*range(20), 99}


def test_one_poison_record_in_200_is_found_in_few_requests(home: Path) -> None:
    server = Scripted()
    gate = (503, {"Retry-After": "0.5"}, b"")
    server.replies.append(gate)  # so that all wait for one batch
    trailmark.configure(url=server.url)

    @trailmark.track(name="poison")
    def bad() -> None: ...

    for n in range(199):
        step(n)
        if n == 77:
            bad()
    result = trailmark.flush(30)
    assert (result.pending, result.dropped) == (0, 1)
    assert trailmark.stats()["dropped_because"] == {"refused": 1}
    assert {record["output"] for (_, ver), record in server.stored.items() if ver == 2} == set(range(199))
    assert len(server.asked_at) <= 1 + 2 * 8 + 4


def test_another_origin_never_sees_payload_or_key(home: Path, collector: Collector) -> None:
    server = Scripted(
        *[(status, {"Location": f"{collector.url}/api/v1/ingest"}, b"") for status in (301, 302, 307, 308)]
    )
    trailmark.configure(url=server.url, api_key="mine")
    step(1)
    assert trailmark.flush(30)
    assert collector.bodies == []
    assert len(server.stored) > 0
