"""OpenTelemetry's own SDK, exporter and instrumentations record into our server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from .conftest import eventually

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "packages" / "openai" / "tests"))

from fake_openai import USAGE, FakeOpenAI, chat, chat_stream  # noqa: E402

NEEDED = (
    "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "opentelemetry-instrumentation-fastapi",
    "openinference-instrumentation-openai", "fastapi", "httpx", "openai",
)  # fmt: skip


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with OpenTelemetry and nothing of ours."""
    folder = tmp_path_factory.mktemp("otel")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "-q", *NEEDED], check=True)
    return folder / "bin" / "python"


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


def run(python: Path, *program: str | Path, **env: str) -> None:
    given = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": "sk-test", **env}
    done = subprocess.run([python, *program], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Failed to export" not in done.stderr, done.stderr


def traces_of(server: str, project: str, count: int) -> dict[str, dict[str, Any]]:
    """Whole traces by name, once there are so many."""
    url = f"{server}/api/v1/projects/{project}/traces"
    rows = eventually(lambda: len(found := httpx2.get(url).json()["rows"]) >= count and found)
    return {row["name"]: httpx2.get(f"{server}/api/v1/traces/{row['id']}").json() for row in rows}


def test_a_web_service_with_instrumentations(python: Path, server: str, fake: FakeOpenAI) -> None:
    fake.answer(chat_stream("Hel", "lo", usage=USAGE))
    run(python, HERE / "otel_program.py", server, fake.url)
    found = traces_of(server, "web shop", 2)
    asked, failed = found["GET /ask"], found["GET /fail"]
    trace, cols = asked["trace"], asked["cols"]
    assert (trace["thread"], trace["user"], trace["tags"], trace["environment"]) == ("chat-1", "ann", ["beta"], "test")
    [call] = [index for index, type in enumerate(cols["type"]) if type == "llm"]
    span = httpx2.get(f"{server}/api/v1/traces/{trace['id']}/spans/{cols['id'][call]}").json()
    assert cols["parent"][call] == cols["name"].index("GET /ask")
    assert span["input"]["messages"] == [{"role": "user", "content": "Hi"}]
    assert span["output"]["choices"][0]["message"]["content"] == "Hello"
    assert (span["model"], span["provider"], span["metadata"]["tier"]) == ("gpt-4o-mini-2024-07-18", "openai", "pro")
    assert sum(span["usage"].values()) == 18
    assert span["usage"]["input_cached"] == 4
    assert span["cost"] > 0
    assert failed["trace"]["status"] == "error"
    assert failed["trace"]["error"]["type"] == "ValueError"


def test_the_program_of_the_documentation(python: Path, server: str, fake: FakeOpenAI, tmp_path: Path) -> None:
    [block] = re.findall(
        r"```py\n(.*?)```", (ROOT / "docs" / "opentelemetry.md").read_text(encoding="utf-8"), re.DOTALL
    )
    program = tmp_path / "program.py"
    program.write_text(block, encoding="utf-8")
    fake.answer(chat("Hello"))
    endpoint = f"{server}/v1/traces"
    run(
        python, program, OPENAI_BASE_URL=fake.url, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=endpoint, OTEL_SERVICE_NAME="docs"
    )
    trace = traces_of(server, "docs", 1)["answer"]
    assert (trace["trace"]["thread"], trace["trace"]["tags"]) == ("chat-1", ["beta"])
    assert (trace["cols"]["type"], trace["cols"]["parent"]) == (["general", "llm"], [-1, 0])
