"""What benchmarks beside the peers share: an environment with them, a process for each, a server that takes all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent


class _Sink(BaseHTTPRequestHandler):
    """Takes what any tracer sends."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_PUT = do_PATCH = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quiet."""


def tell(found: dict[str, float]) -> NoReturn:
    """A variant's figures, to the process that started it."""
    print(json.dumps(found), flush=True)
    os._exit(0)  # some peers wait for their servers at exit


def provider_to_nowhere() -> Any:
    """OpenTelemetry's spans, batched and thrown away."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:  # noqa: ARG002
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return provider


def environment(name: str, requirements: Sequence[str], ours: Sequence[str]) -> Path:
    """The interpreter of an environment with the peers and packages of ours, made once."""
    folder = ROOT / ".venv" / name
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        packages = [option for package in ours for option in ("-e", str(ROOT / "packages" / package))]
        pip = [str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, *requirements, *packages], check=True)
        (folder / "ready").touch()
    return folder / "bin" / "python"


def best_of(rounds: int, names: Sequence[str], script: str, python: Path) -> dict[str, dict[str, float]]:
    """The least of each figure of each variant; the variants take turns, each in a process and a home of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            runs[name].append(_run_alone(script, name, python, f"http://127.0.0.1:{server.server_port}"))
    server.shutdown()
    return {name: {key: min(run[key] for run in runs[name]) for key in runs[name][0]} for name in names}


def _run_alone(script: str, name: str, python: Path, sink: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="trailmark-bench-") as home:
        environ = {
            **os.environ,
            "TRAILMARK_HOME": home,
            "TRAILMARK_QUIET": "true",
            "OPIK_URL_OVERRIDE": f"{sink}/api",
            "OPIK_SENTRY_ENABLE": "false",
            "OPIK_ANALYTICS_ENABLE": "false",
            "OPIK_CONSOLE_LOGGING_LEVEL": "CRITICAL",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LANGSMITH_ENDPOINT": sink,
            "LANGSMITH_API_KEY": "bench",
            "LANGFUSE_HOST": sink,
            "LANGFUSE_PUBLIC_KEY": "pk-lf-bench",
            "LANGFUSE_SECRET_KEY": "sk-lf-bench",
        }
        command = [str(python), script, "--only", name]
        told = subprocess.run(command, env=environ, capture_output=True, check=True, text=True).stdout
        found: dict[str, float] = json.loads(told.splitlines()[-1])
        return found
