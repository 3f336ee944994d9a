"""A real server on a home of its own, and a real Chromium that forgives nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
expect.set_options(timeout=30_000)  # a machine that does many things at once
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
    with serving(home) as url:
        yield url


@contextmanager
def serving(home: Path, *options: str) -> Iterator[str]:
    if not (ROOT / "packages/server/src/trailmark_server/_ui/index.html").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("the page is not built: make ui")
        pytest.skip("the page is not built: make ui")
    command = [Path(sys.executable).with_name("trailmark"), "serve", "--port", "0", *options]
    process = subprocess.Popen(command, env=clean_environment(home), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "runs at" in line, f"the server did not start: {line!r}"
    try:
        yield line.split("runs at ")[1].strip()
    finally:
        process.terminate()
        assert process.wait(60) is not None
        process.stdout.close()
    assert not (home / "server.json").exists()


@pytest.fixture(scope="session")
def toured(home: Path, server: str) -> str:
    """The server, after the examples ran as programs of their own."""
    for example in ("tour.py", "flows.py"):
        subprocess.run(
            [sys.executable, ROOT / "examples" / example], env=clean_environment(home), check=True, capture_output=True
        )
    eventually(lambda: {"Default Project", "my_project", "Client demo"} <= projects(server))
    return server


def projects(server: str) -> set[str]:
    with urllib.request.urlopen(f"{server}/api/v1/projects") as answer:
        return {one["name"] for one in json.load(answer)}


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    program = os.environ.get("TRAILMARK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: apt-get install chromium, or set TRAILMARK_CHROMIUM")
        pytest.skip("no Chromium: apt-get install chromium, or set TRAILMARK_CHROMIUM")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags])
        yield launched
        launched.close()


@pytest.fixture(scope="module")  # Playwright holds a running event loop, which modules after this one must not find
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def allowed() -> list[str]:
    """Parts of the addresses that may answer with 400 or more in this test, and of the console's words about them."""
    return []


@pytest.fixture
def page(browser: Browser, server: str, allowed: list[str]) -> Iterator[Page]:
    with strict_page(browser, server, allowed) as opened:
        yield opened


@contextmanager
def strict_page(browser: Browser, base: str, allowed: list[str], **options: Any) -> Iterator[Page]:
    """A page that fails its test on a console or page error, a CSP violation, a request elsewhere, an HTTP error."""
    options = {"viewport": {"width": 1440, "height": 900}, **options}
    context = browser.new_context(base_url=base, **options)
    context.set_default_timeout(30_000)
    faults: list[str] = []
    context.on("page", lambda opened: _watch(opened, base, allowed, faults))
    yield context.new_page()
    context.close()
    assert not faults, faults


def _watch(opened: Page, base: str, allowed: list[str], faults: list[str]) -> None:
    def told(text: str, where: str = "") -> None:
        if not any(part in text or part in where for part in allowed):
            faults.append(f"{text} {where}")

    opened.on("console", lambda one: one.type == "error" and told(one.text, (one.location or {}).get("url", "")))
    opened.on("pageerror", lambda error: told(str(error)))
    opened.on("response", lambda one: one.status >= 400 and told(f"HTTP {one.status}", one.url))
    opened.on(
        "request", lambda one: one.url.startswith((base, "data:", "blob:")) or faults.append(f"request to {one.url}")
    )


def eventually(look: Any, *, within_s: float = 20) -> Any:
    """What `look` returns once it is true; asks again until then."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"it did not happen within {within_s} s"
        time.sleep(0.05)
    return found


def pasted(page: Page) -> str:
    """What is on the clipboard, as a person gets it: the page itself may not read it."""
    page.evaluate("""document.body.append(Object.assign(document.createElement('textarea'), {id: 'pasted'}));
                     document.getElementById('pasted').focus()""")
    page.keyboard.press("Control+v")
    text: str = page.evaluate(
        """(() => { const at = document.getElementById('pasted'); at.remove(); return at.value })()"""
    )
    return text


def records(home: Path) -> list[dict[str, Any]]:
    from trailmark import spool

    return [json.loads(r) for s in spool.segments(home) for r in spool.read(s, from_start=True).records]
