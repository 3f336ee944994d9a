"""The page as it is delivered: behind a proxy's prefix, with others' licences, out of a wheel (parts of case 30)."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import threading
import time
import venv
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import ROOT, clean_environment, pasted, serving, strict_page
from .made import agent_run, post

UI = ROOT / "packages/server/src/trailmark_server/_ui"
LICENCES = {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "OFL-1.1", "Unlicense", "0BSD"}
PROJECT = "behind a proxy"


@contextmanager
def proxy(to: str, *, strip: str) -> Iterator[str]:
    """A proxy on loopback, which takes `strip` off the paths it passes on."""
    host, port = urlsplit(to).hostname or "", urlsplit(to).port

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with closing(http.client.HTTPConnection(host, port)) as upstream:
                upstream.request(self.command, self.path.removeprefix(strip), body, dict(self.headers))
                answer = upstream.getresponse()
                data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection", "server", "date"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handle(self) -> None:
            with suppress(ConnectionError):  # the page may leave while an answer is on its way
                super().handle()

        def finish(self) -> None:
            with suppress(ConnectionError):
                super().finish()

        do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    "strip", [pytest.param("", id="prefix kept", marks=pytest.mark.slow), pytest.param("/x", id="prefix taken off")]
)
def test_the_page_works_under_a_prefix(browser: Browser, tmp_path: Path, strip: str) -> None:
    """30: nothing is asked for outside it; addresses, chunks, fonts, calls, and changes."""
    with serving(tmp_path, "--root-path", "/x/", "--insecure") as url:
        assert url.endswith("/x")
        made = agent_run(PROJECT, 8, start_us=time.time_ns() // 1000 - 60_000_000)
        post(url, made.records)
        with (
            proxy(url.removesuffix("/x"), strip=strip) as outside,
            strict_page(browser, f"{outside}/x/", [], permissions=["clipboard-read", "clipboard-write"]) as page,
        ):
            page.goto(f"t/{made.id}")
            expect(page).to_have_url(re.compile(f"/x/p/[^/]*/traces/{made.id}"))
            page.get_by_role("treeitem").filter(has_text="planner.chat").first.click()
            expect(page.locator(".message").first).to_be_visible()
            page.get_by_role("button", name="Actions", exact=True).click()
            page.get_by_role("menuitem", name="Copy as curl").click()
            expect(page.get_by_text("curl copied")).to_be_visible()
            copied = pasted(page)
            assert copied.startswith(f"curl {outside}/x/api/v1/traces/")
            page.get_by_role("link", name="Dashboard").click()
            expect(page).to_have_url(re.compile("/x/p/[^/]*/dashboard"))
            expect(page.locator(".card").first).to_be_visible()
            page.goto("p/behind%20a%20proxy/settings?tab=scores")
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_text("Scores: done")).to_be_visible()
            assert page.evaluate("document.fonts.check('13px Inter Variable')")


def test_others_licences_are_named_whole_and_of_a_kind_we_may_ship(page: Page) -> None:
    told = (UI / "third-party/licenses.md").read_text()
    found = dict(re.findall(r"^## (\S+) - \S+ \(([^)]+)\)$", told, re.MULTILINE))
    wanted = json.loads((ROOT / "packages/server/ui/package.json").read_text())["dependencies"]
    assert set(wanted) <= set(found)
    assert set(found.values()) <= LICENCES
    for text in re.split(r"^## ", told, flags=re.MULTILINE)[1:]:
        # the Unlicense asks for nothing, and its one package ships no text
        assert len(text) > 300 or "(Unlicense)" in text, f"no text of the licence: {text[:60]}"

    page.goto("/p/any/settings?tab=about")
    address = page.get_by_role("link", name="the work of others").get_attribute("href")
    answer = page.request.get(str(address))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text() == told


@pytest.mark.slow
def test_a_wheel_in_a_clean_environment_without_node_serves_the_page(browser: Browser, tmp_path: Path) -> None:
    """30"""
    wheels = tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    packages = [ROOT / "packages/core", ROOT / "packages/server"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, *packages], check=True)
    [wheel] = wheels.glob("trailmark_server-*.whl")
    inside = zipfile.ZipFile(wheel).namelist()
    for name in ("index.html", "boot.js", "third-party/licenses.md"):
        assert f"trailmark_server/_ui/{name}" in inside
    assert not [name for name in inside if "node_modules" in name or name.endswith((".ts", ".tsx", ".map"))]

    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv/bin/python"
    constraints = ROOT / "constraints.txt"
    subprocess.run(
        [*pip, "--python", python, "install", "-c", constraints, *wheels.glob("*.whl")], check=True, cwd=tmp_path
    )
    home = tmp_path / "home"
    env = {**clean_environment(home), "PATH": str(python.parent)}
    env.pop("PYTHONPATH", None)
    command = [python.with_name("trailmark"), "serve", "--port", "0"]
    with subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split("runs at ")[1].strip()
            made = agent_run("wheel", 8, start_us=time.time_ns() // 1000)
            post(url, made.records)
            with strict_page(browser, url, []) as page:
                page.goto("/p/wheel/traces")
                page.get_by_role("link", name="research_agent.run").click()
                expect(page.get_by_role("tree", name="Spans").get_by_role("treeitem").first).to_be_visible()
        finally:
            server.terminate()
