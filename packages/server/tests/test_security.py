"""Who is answered, and what every answer says."""

from __future__ import annotations

import socket
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


def raw(http: httpx2.Client, request: bytes) -> bytes:
    with socket.create_connection((http.base_url.host, http.base_url.port), timeout=5) as connection:
        connection.sendall(request)
        return connection.recv(4096)


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /api/v1/projects HTTP/1.1\r\n\r\n",
        b"GET /api/v1/projects HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET /api/v1/projects HTTP/1.1\r\nHost: localhost.\r\n\r\n",
        b"GET /api/v1/projects HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n",
        b"GET /api/v1/projects HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n\r\n",
        b"GET http://evil.example/api/v1/projects HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /assets/index.js HTTP/1.1\r\nHost: 127.0.0.1.nip.io\r\n\r\n",
    ],
)
def test_odd_hosts_get_nothing(http: httpx2.Client, request_line: bytes) -> None:
    answer = raw(http, request_line)
    assert answer.startswith((b"HTTP/1.1 421", b"HTTP/1.1 400")), answer[:80]


def test_a_form_of_another_site_changes_nothing(http: httpx2.Client) -> None:
    body = orjson.dumps(span())
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "TEXT/PLAIN;charset=utf-8",
    ):
        for url in ("/api/v1/ingest", "/api/v1/private/traces", "/api/v1/scores", "/api/v1/projects"):
            assert http.post(url, content=body, headers={"Content-Type": kind}).status_code == 415
    port = http.base_url.port
    for origin in (f"http://localhost:{port}", "http://127.0.0.1:1", "https://localhost", "null", "http://[::1"):
        assert http.post("/api/v1/projects", json={"name": "x"}, headers={"Origin": origin}).status_code == 403, origin
    assert http.get("/api/v1/projects").json() == []


def test_no_answer_permits_another_origin(http: httpx2.Client) -> None:
    asked = {
        "Origin": "http://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    for answer in (
        http.options("/api/v1/projects", headers=asked),
        http.get("/api/v1/projects", headers=asked),
        http.get("/nothing", headers=asked),
    ):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


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
