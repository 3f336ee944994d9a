"""What a trace per request costs a server and a client, beside OpenTelemetry's instrumentation. Run it: make bench-web

CPU of a real uvicorn process (threads included): for a trivial endpoint, asked by one client and then by sixteen
connections at once, so that it is never idle (also how long one in a hundred then waits, as the sender works beside
it); and for a stream of 50 events. And CPU of an httpx2 client whose transport answers from memory. `trailmark` records
to its spool on disk and has nobody to send to, `sending` delivers all to a server by Opik's protocol at the same time,
`otel` throws its spans away. Variants take turns over the rounds, the least of each counts; judge the ratios.
"""

from __future__ import annotations

import argparse
import os
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import beside

PEERS = ("opentelemetry-sdk", "opentelemetry-instrumentation-fastapi", "opentelemetry-instrumentation-httpx")
VARIANTS = ("bare", "trailmark", "sending", "otel")
REQUESTS, BUSY_REQUESTS, STREAMS, EVENTS, CALLS, CONNECTIONS = 2000, 10_000, 300, 50, 2000, 16
SHOWN = {
    "request": "a request",
    "busy": "of sixteen",
    "waited": "waited for, p99",
    "stream": f"{EVENTS} events",
    "call": "httpx call",
}


def application(variant: str) -> Any:
    """The application under test; `/cpu` tells the seconds its process has used."""
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI(openapi_url=None)

    @app.get("/items/{id}")
    async def item(id: int) -> dict[str, int]:
        return {"id": id}

    @app.get("/events")
    async def events() -> StreamingResponse:
        async def told() -> AsyncIterator[str]:
            for n in range(EVENTS):
                yield f"data: {n}\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")

    @app.get("/cpu")
    async def cpu() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    if variant in ("trailmark", "sending"):
        from trailmark_fastapi import TrailmarkMiddleware

        app.add_middleware(TrailmarkMiddleware, exclude=["/cpu"])
    elif variant == "otel":
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # type: ignore[import-not-found]

        FastAPIInstrumentor.instrument_app(app, tracer_provider=beside.provider_to_nowhere(), excluded_urls="/cpu")
    return app


def serve(variant: str, listener: int) -> None:
    """Until it is killed."""
    import uvicorn

    config = uvicorn.Config(application(variant), log_level="error", http="httptools", access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listener)])


def measure(variant: str) -> dict[str, float]:
    """Microseconds: CPU of the server for one request and one stream, of the client for one call; and a wait."""
    import httpx2

    if variant != "sending":
        os.environ.pop("OPIK_URL_OVERRIDE", None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, __file__, "--serve", variant, "--listener", str(listener.fileno())]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, pass_fds=[listener.fileno()])
        address = listener.getsockname()
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=60) as client:
            client.get("/cpu")  # waits for the server to start
            found = {"request": _cpu(client, "/items/5", REQUESTS)}
            found["busy"], found["waited"] = _busy(client, address, "/items/5")
            found["stream"] = _cpu(client, "/events", STREAMS)
    finally:
        process.kill()
        process.wait()
    return {**found, "call": _call(variant)}


def _cpu(client: Any, path: str, times: int) -> float:
    for _ in range(times // 10):
        client.get(path)
    before = client.get("/cpu").json()
    for _ in range(times):
        client.get(path)
    return float((client.get("/cpu").json() - before) / times * 1e6)


def _busy(client: Any, address: Any, path: str) -> tuple[float, float]:
    """The same with a request waiting on each of several connections, and how long one of a hundred waits."""
    asked = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n".encode()
    connections = [socket.create_connection(address) for _ in range(CONNECTIONS)]
    _ask_all(connections, asked, BUSY_REQUESTS // 10)
    before = client.get("/cpu").json()
    waited = sorted(_ask_all(connections, asked, BUSY_REQUESTS))
    used = float((client.get("/cpu").json() - before) / BUSY_REQUESTS * 1e6)
    for connection in connections:
        connection.close()
    return used, waited[len(waited) * 99 // 100] * 1e6


def _ask_all(connections: list[socket.socket], asked: bytes, times: int) -> list[float]:
    """Seconds each request took."""
    sent_at: dict[socket.socket, float] = {}
    took: list[float] = []

    def ask(connection: socket.socket) -> None:
        sent_at[connection] = time.perf_counter()
        connection.sendall(asked)

    with selectors.DefaultSelector() as waiting:
        for connection in connections:
            waiting.register(connection, selectors.EVENT_READ, connection)
            ask(connection)
        while len(took) < times:
            for key, _ in waiting.select():
                if not key.data.recv(65_536).endswith(b"}"):  # the head alone
                    continue
                took.append(time.perf_counter() - sent_at[key.data])
                if len(took) + len(connections) <= times:
                    ask(key.data)
    return took


def _call(variant: str) -> float:
    import httpx2

    client = httpx2.Client(transport=httpx2.MockTransport(lambda _request: httpx2.Response(200, json={"id": 5})))
    if variant in ("trailmark", "sending"):
        from trailmark_httpx import track_httpx

        track_httpx(client)
    elif variant == "otel":
        from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor  # type: ignore[import-not-found]

        HTTPX2ClientInstrumentor.instrument_client(client, tracer_provider=beside.provider_to_nowhere())
    for _ in range(CALLS // 10):
        client.get("http://orders/items/5")
    before = time.thread_time()
    for _ in range(CALLS):
        client.get("http://orders/items/5")
    return (time.thread_time() - before) / CALLS * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--serve", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--listener", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.listener)
        return
    if given.only:
        beside.tell(measure(given.only))
    python = beside.environment("peers-web", ["uvicorn", "httptools", *PEERS], ["core", "fastapi", "httpx"])
    least = beside.best_of(given.rounds, VARIANTS, __file__, python)
    print(f"µs (of CPU but for the wait), the least of {given.rounds} rounds, and as a multiple of nothing installed")
    print(f"{'':12}{'server:':>20}{'':60}{'client:':>20}")
    print(f"{'':12}" + "".join(f"{each:>20}" for each in SHOWN.values()))
    for name, found in least.items():
        shown = [f"{found[key]:.0f} ({found[key] / least['bare'][key]:.2f})" for key in SHOWN]
        print(f"{name:12}" + "".join(f"{each:>20}" for each in shown))


if __name__ == "__main__":
    main()
