"""A real server on loopback, in a thread of the test's process, on a store of its own."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest
import uvicorn
from trailmark_server.api import create_app
from trailmark_server.store import Store, open_store

START = 1_800_000_000_000_000
_numbers = itertools.count(1)


def new_id() -> str:
    return str(UUID(int=0x01890000_0000_7000_8000_000000000000 + next(_numbers)))


def span(**fields: Any) -> dict[str, Any]:
    """A native span record that ended well."""
    record = {
        "k": "span", "id": new_id(), "ver": 2, "trace_id": new_id(), "parent_id": None, "project": "Default Project",
        "name": "work", "type": "general", "start_us": START, "end_us": START + 1000, "status": "ok",
    }  # fmt: skip
    return record | fields


def listening() -> socket.socket:
    """As the server makes it: by its protocol asyncio knows that small packets need not wait, 40 ms an answer."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "home" / "trailmark.db")
    yield opened
    opened.close()


@contextmanager
def answering(
    app: Any, make: Callable[[uvicorn.Config], uvicorn.Server] = uvicorn.Server, **config: Any
) -> Iterator[httpx2.Client]:
    """The application on a socket of its own; every request on a connection of its own with `keepalive` 0."""
    limits = httpx2.Limits(max_keepalive_connections=config.pop("keepalive", 20))
    listener = listening()
    server = make(uvicorn.Config(app, log_level="error", lifespan="off", **config))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx2.Client(base_url=url, trust_env=False, timeout=60, limits=limits) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def http(store: Store, tmp_path: Path) -> Iterator[httpx2.Client]:
    with answering(create_app(store, tmp_path / "home")) as client:
        yield client


@pytest.fixture
def ingest(http: httpx2.Client) -> Callable[..., httpx2.Response]:
    def post(*records: Any, **options: Any) -> httpx2.Response:
        body = b"\n".join(r if isinstance(r, bytes) else orjson.dumps(r) for r in records)
        return http.post("/api/v1/ingest", content=body, **options)

    return post


def ids(page: httpx2.Response) -> list[str]:
    """The names on a page."""
    assert page.status_code == 200, page.text
    return [row["name"] for row in page.json()["rows"]]


def walked(http: httpx2.Client, url: str, **params: Any) -> list[str]:
    """All names, page by page."""
    names: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = http.get(url, params={"limit": 3, **params, **cursor})
        names += ids(page)
        if page.json()["next"] is None:
            return names
        cursor = {"cursor": page.json()["next"]}


@pytest.fixture
def eight(ingest: Callable[..., httpx2.Response]) -> None:
    """Traces t0 to t7: the later, the shorter and dearer; t3 has no cost."""
    ingest(*(
        span(name=f"t{n}", start_us=START + n * 1_000_000, end_us=START + n * 1_000_000 + (7 - n) * 1000 + 5,
             type="llm", model="m", usage={"input": n * 10, "output": 1}, total_cost=None if n == 3 else n / 100)
        for n in range(8)
    ))  # fmt: skip
