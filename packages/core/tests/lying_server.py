"""A destination that breaks every promise HTTP makes, and remembers what it really committed."""

from __future__ import annotations

import itertools
import json
import random
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIES = (
    "500",
    "500 after",
    "429",
    "503",
    "408",
    "reset",
    "reset after",
    "page",
    "garbage",
    "redirect",
    "401",
    "413",
    "hang up",
)
MOST_RECORDS = 100


class LyingServer:
    """`honest` from now on when set. `committed`: id → versions of its record, as they came."""

    def __init__(self, seed: int, lies: tuple[str, ...] = LIES, share: float = 0.6) -> None:
        self.committed: dict[str, dict[int, dict[str, Any]]] = {}
        self.wire_duplicates = self.requests = self.poison_refused = 0
        self.redirected: list[str] = []
        self.honest = False
        self.lies_told: set[str] = set()
        self._random, self._share = random.Random(seed), share
        self._lies = itertools.cycle(self._random.sample(lies, len(lies)))
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] - resets are meant
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def commit(self, lines: list[bytes]) -> list[dict[str, Any]]:
        """Store what is no poison; the rest is refused by index."""
        rejected = []
        with self._lock:
            for index, line in enumerate(lines):
                record = json.loads(line)
                if record["name"] == "poison":
                    rejected.append({"index": index, "id": record["id"], "field": "name", "message": "poison"})
                    continue
                versions = self.committed.setdefault(record["id"], {})
                self.wire_duplicates += record["ver"] in versions
                versions[record["ver"]] = record
        return rejected

    def lie(self) -> str:
        with self._lock:
            self.requests += 1
            if self.honest or self._random.random() > self._share:
                return ""
            told = next(self._lies)
            self.lies_told.add(told)
            return told

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in {"x_trailmark": "1", **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def reset(self) -> None:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()

            def do_GET(self) -> None:
                if "elsewhere" in self.path:
                    server.redirected.append(self.path)
                self.reply(200, b"{}")

            def do_POST(self) -> None:
                lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
                if "elsewhere" in self.path:
                    server.redirected.append(self.path)
                    return self.reply(200, b"{}")
                lie = server.lie()
                if lie in ("500 after", "reset after"):
                    server.commit(lines)
                if lie in ("reset", "reset after", "hang up"):
                    return self.reset()
                if lie in ("500", "500 after", "503", "408"):
                    return self.reply(int(lie[:3]), b"no")
                if lie == "429":
                    return self.reply(429, b"", Retry_After="0.05")
                if lie == "page":
                    return self.reply(200, b"<html>log in</html>", "text/html")
                if lie == "garbage":
                    return self.reply(200, b"\x00[]{{")
                if lie == "redirect":
                    return self.reply(307, b"", Location=f"{server.url}/elsewhere")
                if lie == "401":
                    return self.reply(401, b"who are you")
                if lie == "413" and len(lines) > MOST_RECORDS:
                    return self.reply(413, b"too much")
                rejected = server.commit(lines)
                with server._lock:
                    server.poison_refused += len(rejected)
                body = json.dumps({"accepted": len(lines) - len(rejected), "rejected": rejected}).encode()
                return self.reply(400 if len(rejected) == len(lines) else 207 if rejected else 200, body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        return Handler
