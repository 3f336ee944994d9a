"""What a trace per request costs a server, beside OpenTelemetry's FastAPI instrumentation. Run it: make bench-web

CPU of a real uvicorn process (threads included) for a trivial endpoint and for a stream of 50 events, asked over one
connection. Variants are interleaved over the rounds; judge the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = ("bare", "trailmark", "otel")
REQUESTS, STREAMS, EVENTS = 3000, 400, 50


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

    if variant == "trailmark":
        from trailmark_fastapi import TrailmarkMiddleware

        app.add_middleware(TrailmarkMiddleware, exclude=["/cpu"])
    elif variant == "otel":
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # type: ignore[import-not-found]
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

        class Nowhere(SpanExporter):
            def export(self, spans: Any) -> SpanExportResult:  # noqa: ARG002
                return SpanExportResult.SUCCESS

        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(Nowhere()))
        FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, excluded_urls="/cpu")
    return app


def serve(variant: str, port: int) -> None:
    """Until it is killed."""
    import uvicorn

    uvicorn.run(application(variant), port=port, log_level="error", http="httptools", access_log=False)


def measure(variant: str, python: Path) -> dict[str, float]:
    """Microseconds of the server's CPU for one request, and for one stream."""
    import httpx2

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "TRAILMARK_HOME": home, "TRAILMARK_QUIET": "1"}
        command = [str(python), __file__, "--serve", variant, "--port", str(port)]
        process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
                _wait(client)
                return {
                    "request": _cpu(client, "/items/5", REQUESTS),
                    "stream": _cpu(client, "/events", STREAMS),
                }
        finally:
            process.kill()
            process.wait()


def _wait(client: Any) -> None:
    import httpx2

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            client.get("/cpu")
            return
        except httpx2.TransportError:
            time.sleep(0.05)
    sys.exit("the server did not start")


def _cpu(client: Any, path: str, times: int) -> float:
    for _ in range(times // 10):
        client.get(path)
    before = client.get("/cpu").json()
    for _ in range(times):
        client.get(path)
    return float((client.get("/cpu").json() - before) / times * 1e6)


def peers_python() -> Path:
    """An environment with the peer, made once."""
    folder = ROOT / ".venv" / "peers-web"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        ours = [ROOT / "packages" / name for name in ("core", "fastapi")]
        wanted = ["opentelemetry-sdk", "opentelemetry-instrumentation-fastapi", "uvicorn", "httptools", *map(str, ours)]
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), *wanted], check=True)
        (folder / "ready").touch()
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.port)
        return
    names = list(dict.fromkeys(["bare", *given.variants]))
    python = peers_python()
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(given.rounds):
        for name in names:
            runs[name].append(measure(name, python))
    middle = {name: {key: statistics.median(run[key] for run in runs[name]) for key in runs[name][0]} for name in names}
    if given.json:
        print(json.dumps(middle))
        return
    print(f"server CPU µs, median of {given.rounds} rounds, and as a multiple of no middleware")
    print(f"{'':12}{'request':>18}{f'stream of {EVENTS}':>18}")
    for name in names:
        shown = [f"{middle[name][key]:.0f} ({middle[name][key] / middle['bare'][key]:.2f})" for key in middle[name]]
        print(f"{name:12}{shown[0]:>18}{shown[1]:>18}")


if __name__ == "__main__":
    main()
