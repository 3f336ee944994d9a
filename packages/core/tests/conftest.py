"""A collector on loopback that speaks as much of a destination as the sender needs."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trailmark
from trailmark import spool


@dataclass
class Collector:
    """What arrived. `answer` decides per request: (status, body) or None for success."""

    native: bool = True
    url: str = ""
    bodies: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [record for _, route, body in self.bodies if route == "/api/v1/ingest" for record in body]

    def newest(self, kind: str = "span") -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for record in self.records:
            if record["k"] == kind and record["ver"] >= found.get(record["id"], {"ver": 0})["ver"]:
                found[record["id"]] = record
        return {record["name"]: record for record in found.values()}

    def sent(self, route: str) -> list[dict[str, Any]]:
        """Items of all bodies that went to an Opik route."""
        return [
            item
            for _, path, body in self.bodies
            if path == f"/api/v1/private/{route}"
            for items in body.values()
            for item in items
        ]


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            if collector.native:
                self.send_header("x-trailmark", "test")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self.reply(200, {"healthy": True})

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                data = gzip.decompress(data)
            status, answer = collector.answers.pop(0) if collector.answers else (200, {"accepted": 1, "rejected": []})
            if 200 <= status < 300:
                kind = self.headers.get("Content-Type", "")
                body: Any = data
                if "json" in kind:
                    body = list(map(json.loads, data.splitlines())) if "ndjson" in kind else json.loads(data)
                collector.bodies.append((self.command, self.path, body))
                collector.headers.append(dict(self.headers))
            self.reply(status, answer)

        do_PUT = do_PATCH = do_POST

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@pytest.fixture
def collector() -> Iterator[Collector]:
    collected = Collector()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(collected))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    collected.url = f"http://127.0.0.1:{server.server_port}"
    yield collected
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, tracing configured afresh before and after."""
    for name in ("TRAILMARK_URL", "OPIK_URL_OVERRIDE", "TRAILMARK_TRACK_DISABLE", "OPIK_TRACK_DISABLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRAILMARK_HOME", str(tmp_path / "home"))
    _forget()
    yield tmp_path / "home"
    _forget()


def _forget() -> None:
    keys = ("url", "api_key", "workspace", "project_name", "home", "sample_rate", "quiet", "flush_timeout")
    keys += ("redact", "redact_allow")
    trailmark.configure(**dict.fromkeys(keys))


@pytest.fixture
def on_disk(home: Path) -> Any:
    """The newest records on disk, by name."""

    def read() -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for segment in spool.segments(home):
            for record in map(json.loads, spool.read(segment).records):
                if record["ver"] >= found.get(record["id"], {"ver": 0})["ver"]:
                    found[record["id"]] = record
        return {record["name"]: record for record in found.values()}

    return read
