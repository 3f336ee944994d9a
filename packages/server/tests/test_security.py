"""Who is answered, and what every answer says."""

from __future__ import annotations

from pathlib import Path

import httpx2
import orjson
import pytest
from trailmark_server.serve import Options, serve
from trailmark_server.store import StoreError

from .conftest import span


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::"])
def test_a_foreign_host_name_is_refused(http: httpx2.Client, host: str) -> None:
    assert http.get("/api/v1/projects", headers={"Host": host}).status_code in (400, 421)


def test_a_foreign_page_changes_nothing(http: httpx2.Client) -> None:
    body = orjson.dumps(span())
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert http.post("/api/v1/ingest", content=body, headers=headers).status_code == 403
    own = {"Origin": str(http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert http.post("/api/v1/ingest", content=body, headers=own).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/is-alive/ping", "/api/v1/nothing", "/p/x/traces", "/assets/none.js"])
def test_every_answer_carries_the_headers(http: httpx2.Client, path: str) -> None:
    headers = http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "'none'" in headers["content-security-policy"]
    assert headers["x-trailmark"]


def test_pages_have_the_strict_policy(http: httpx2.Client) -> None:
    policy = http.get("/p/any/traces").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


def test_files_outside_the_page_are_not_served(http: httpx2.Client) -> None:
    for path in ("/assets/../../serve.py", "/assets/%2e%2e/%2e%2e/serve.py"):
        assert http.get(path).status_code == 404 or "def serve" not in http.get(path).text


def test_another_address_than_loopback_needs_a_key(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"host is '0\.0\.0\.0'.*trailmark keys create NAME"):
        serve(tmp_path, Options(host="0.0.0.0", port=0), ready=print)
