"""A thousand clients at once, and hundreds that hold their connections and say nothing: the server as a process."""

from __future__ import annotations

import asyncio
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from .conftest import new_id, span

pytestmark = pytest.mark.slow
CLIENTS, BATCHES, RECORDS, IDLE = 1000, 10, 3, 500
INGEST = "POST /api/v1/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
PING = b"GET /api/is-alive/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def serving(home: Path) -> Iterator[httpx2.Client]:
    command = [sys.executable, "-m", "trailmark_server", "serve", "--port", "0", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        try:
            with httpx2.Client(base_url=url, trust_env=False, timeout=60) as client:
                yield client
        finally:
            server.terminate()
    assert server.returncode == 0


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < CLIENTS + 200:
        pytest.skip(f"a process may have {hard} files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CLIENTS + 200), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def connected(http: httpx2.Client) -> Connection:
    return await asyncio.open_connection(http.base_url.host, http.base_url.port)


async def left(*connections: Connection) -> None:
    for _, writer in connections:
        writer.close()
        await writer.wait_closed()


async def asked(connection: Connection, request: bytes) -> tuple[int, dict[str, Any]]:
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    assert length is not None
    return int(head.split()[1]), orjson.loads(await reader.readexactly(int(length[1])))


def test_nothing_that_was_acknowledged_to_a_thousand_clients_is_lost(tmp_path: Path) -> None:
    """What is too much at once is refused, and sent again."""

    async def client(http: httpx2.Client, arrived: asyncio.Barrier, trace_id: str) -> int:
        connection = await connected(http)
        await arrived.wait()  # all are there before the first asks
        taken = 0
        for _ in range(BATCHES):
            body = b"\n".join(orjson.dumps(span(trace_id=trace_id, project="many")) for _ in range(RECORDS))
            request = (INGEST % len(body)).encode() + body
            status, told = await asked(connection, request)
            while status == 503:
                await asyncio.sleep(1)
                status, told = await asked(connection, request)
            assert (status, told) == (200, {"accepted": RECORDS, "rejected": []})
            taken += RECORDS
        await left(connection)
        return taken

    async def crowd(http: httpx2.Client) -> list[int]:
        arrived = asyncio.Barrier(CLIENTS)
        return await asyncio.gather(*(client(http, arrived, trace_id) for trace_id in ids))

    ids = [new_id() for _ in range(CLIENTS)]
    with serving(tmp_path) as http:
        taken = asyncio.run(crowd(http))
        rows, cursor = [], None
        while True:
            page = http.get(
                "/api/v1/projects/many/traces", params={"limit": 200, **({"cursor": cursor} if cursor else {})}
            )
            rows += page.json()["rows"]
            if (cursor := page.json()["next"]) is None:
                break
        held = re.search(r"^trailmark_held_bytes (\S+)$", http.get("/metrics").text, re.MULTILINE)

    assert {row["id"]: row["spans"] for row in rows} == dict(zip(ids, taken, strict=True))
    assert held is not None
    assert float(held[1]) == 0


def test_idle_connections_are_let_go_and_hold_up_nobody(tmp_path: Path) -> None:
    async def crowd(http: httpx2.Client) -> list[bytes]:
        idle = await asyncio.gather(*(connected(http) for _ in range(IDLE)))
        assert {status for status, _ in await asyncio.gather(*(asked(one, PING) for one in idle))} == {200}
        other = await connected(http)
        for _ in range(100):
            assert (await asked(other, PING))[0] == 200
        rest = await asyncio.gather(*(reader.read() for reader, _ in idle))  # until the server closes
        await left(other, *idle)
        return rest

    with serving(tmp_path) as http:
        assert asyncio.run(crowd(http)) == [b""] * IDLE
        assert http.get("/healthz").status_code == 200
