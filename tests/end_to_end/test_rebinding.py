"""A page of a foreign name that turns out to be this machine's address reads nothing, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Page

from .conftest import chromium

EVIL = "evil.test"
# the browser's own guard is off: this is about ours
BLIND = (
    "--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights,BlockInsecurePrivateNetworkRequests"
)
RECORD = {
    "k": "trace", "id": "01890000-0000-7000-8000-00000000e711", "ver": 2, "project": "rebound", "name": "x",
    "start_us": 1_800_000_000_000_000, "end_us": 1_800_000_000_000_009, "status": "ok",
}  # fmt: skip
ASK = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return [answer.status, await answer.text()];
  } catch (error) {
    return [0, String(error)];
  }
}"""


@pytest.fixture(scope="module")
def rebound(server: str) -> Iterator[Page]:
    """Chromium, for which evil.test has become 127.0.0.1, on the server's own port."""
    with chromium(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1", BLIND) as browser:
        yield browser.new_page()


def foreign(server: str) -> str:
    return f"http://{EVIL}:{urlsplit(server).port}"


def attack(page: Page, server: str) -> None:
    """The page that evil.test served while its name was still its own; from here on the server is its origin."""
    page.route(f"{foreign(server)}/attack", lambda route: route.fulfill(body="<p>nice", content_type="text/html"))
    page.goto(f"{foreign(server)}/attack")


def asked(page: Page, url: str, **options: object) -> tuple[int, str]:
    status, text = page.evaluate(ASK, [url, options])
    return status, text


def test_a_rebound_name_is_shown_no_page(rebound: Page, server: str) -> None:
    answer = rebound.goto(foreign(server) + "/")

    assert answer is not None
    assert answer.status == 421
    assert "allowed-host" in rebound.content()


def test_a_rebound_page_reads_nothing(rebound: Page, server: str) -> None:
    httpx2.post(f"{server}/api/v1/ingest", json={**RECORD, "project": "secret-plans"}, trust_env=False)
    attack(rebound, server)
    for path in ("/api/v1/projects", f"/api/v1/traces/{RECORD['id']}", "/metrics", "/assets/", "/api/v1/openapi.json"):
        status, text = asked(rebound, path)
        assert status == 421, (path, text)
        assert "secret-plans" not in text


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-ndjson"])
def test_a_rebound_page_changes_nothing(rebound: Page, server: str, kind: str) -> None:
    attack(rebound, server)
    before = httpx2.get(f"{server}/api/v1/projects", trust_env=False).text
    for url in ("", server, server.replace("127.0.0.1", "localhost")):
        for path in ("/api/v1/projects", "/api/v1/ingest", "/api/v1/private/traces"):
            body = '{"name": "rebound"}'
            status, _ = asked(rebound, url + path, method="POST", body=body, headers={"Content-Type": kind})
            assert status == (421 if url == "" else 0), (url, path)  # 0: the browser got no leave to send it
            asked(rebound, url + path, method="POST", body=body, mode="no-cors")
        asked(rebound, f"{url}/api/v1/traces/{RECORD['id']}", method="DELETE")

    assert httpx2.get(f"{server}/api/v1/projects", trust_env=False).text == before


def test_the_own_page_may_use_no_device(rebound: Page, server: str) -> None:
    rebound.goto(server)
    allowed = rebound.evaluate("() => document.featurePolicy.allowedFeatures()")

    assert not {"camera", "microphone", "geolocation", "usb", "serial", "payment", "display-capture"} & set(allowed)
    assert "clipboard-write" in allowed  # to copy ids
