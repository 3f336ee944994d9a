"""The real Opik SDK records into our server and reads back what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAM = HERE / "opik_program.py"
sys.path.insert(0, str(ROOT / "packages" / "openai" / "tests"))

from fake_openai import USAGE, FakeOpenAI, chat_stream  # noqa: E402


@pytest.fixture(scope="module")
def opik(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with Opik's SDK."""
    folder = tmp_path_factory.mktemp("opik")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "-q", "opik", "openai<3"], check=True)
    return folder / "bin"


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


@pytest.mark.parametrize("how", ["batching", "one by one"])
def test_what_opiks_sdk_writes_it_reads_back(
    opik: Path, server: str, fake: FakeOpenAI, how: str, tmp_path: Path
) -> None:
    fake.answer(chat_stream("Hel", "lo", usage=USAGE))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(
        [opik / "python", PROGRAM, server, fake.url, how], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    project = f"opik sdk {how == 'batching'}"
    assert told == {
        "answer": "Hello",
        "gathered": [{"output": 6}, [0, 1, 2]],
        "updated": [{"checked": True}, project],
        "trace": ["manual", {"q": 1}, {"a": 2}, ["m", "late"], True],
        "scores": [["judge", 0.9]],
        "span": ["llm", "gpt-4o-mini", {"o": 2}, 5, "bad"],
        "decorated": ["th-1", ["shop"], {"output": "Hello"}, "cited"],
        "spans": [
            ["ask", "general", None],
            ["boom", "tool", "ValueError"],
            ["chat_completion_stream", "llm", None],
            ["decorated", "general", None],
        ],
        "tokens": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        "filtered": [["decorated"], ["manual"], ["manual"]],
        "threads": [["th-1", 2]],
        "file": "Notes",
        "auth": None,
        "left": [],
        "deleted": [],
        "guardrail": [[0, "failed"]],
        "comments": ["odd, but right", "slow", ["long"]],
        "comments left": [None, None],
        "validations": [True, "PII", "failed"],
        "environment": [f"qa {how == 'batching'}", "before staging", "#00ff00"],
        "environments": [],
    }
    env["OPIK_URL_OVERRIDE"] = f"{server}/api"
    healthy = subprocess.run([opik / "opik", "healthcheck"], env=env, capture_output=True, text=True, check=False)
    assert "available: yes" in healthy.stdout, healthy.stdout
    export = [opik / "opik", "export", "default", project, "traces", "--path", str(tmp_path / "out")]
    exported = subprocess.run(export, env=env, capture_output=True, text=True, check=False)
    assert "Successfully exported" in " ".join(exported.stdout.split()), exported.stdout
    assert len(list((tmp_path / "out").rglob("trace_*.json"))) == 2
