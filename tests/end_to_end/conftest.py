"""A real server on a home of its own, and a real Chromium that forgives nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def clean_environment(home: Path) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_", "OPENAI_"))}
    return {**env, "TRAILMARK_HOME": str(home)}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[str]:
    """The address of `trailmark serve`, as a user starts it."""
    if not (ROOT / "packages/server/src/trailmark_server/_ui/index.html").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("the page is not built: make ui")
        pytest.skip("the page is not built: make ui")
    command = [Path(sys.executable).with_name("trailmark"), "serve", "--port", "0"]
    process = subprocess.Popen(command, env=clean_environment(home), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "runs at" in line, f"the server did not start: {line!r}"
    yield line.split("runs at ")[1].strip()
    process.terminate()
    assert process.wait(10) is not None
    process.stdout.close()
    assert not (home / "server.json").exists()


@pytest.fixture(scope="session")
def toured(home: Path, server: str) -> str:
    """The server, after the examples ran as programs of their own."""
    for example in ("tour.py", "flows.py"):
        subprocess.run(
            [sys.executable, ROOT / "examples" / example], env=clean_environment(home), check=True, capture_output=True
        )
    return server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("TRAILMARK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: apt-get install chromium, or set TRAILMARK_CHROMIUM")
        pytest.skip("no Chromium: apt-get install chromium, or set TRAILMARK_CHROMIUM")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """A page that fails its test on a console error, a page error, a CSP violation or a request elsewhere."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=server)
    context.set_default_timeout(10_000)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("console", lambda message: message.type == "error" and faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda request: request.url.startswith(server) or faults.append(f"request to {request.url}"))
    yield opened
    context.close()
    assert not faults, faults


def eventually(look: Any, *, within_s: float = 20) -> Any:
    """What `look` returns once it is true; asks again until then."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"it did not happen within {within_s} s"
        time.sleep(0.05)
    return found


def records(home: Path) -> list[dict[str, Any]]:
    from trailmark import spool

    return [json.loads(r) for s in spool.segments(home) for r in spool.read(s, from_start=True).records]
