"""The server as those run it who let others in: the command, its keys, its log, its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import orjson

from .conftest import span

TRAILMARK = [sys.executable, "-m", "trailmark_server"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TRAILMARK, *arguments], capture_output=True, text=True, timeout=60)


def test_others_are_let_in_by_key_and_the_log_tells_nothing_recorded(tmp_path: Path) -> None:
    home = ("--home", str(tmp_path / "home"))
    refused = run("serve", "--host", "0.0.0.0", "--port", "0", *home)
    assert refused.returncode == 1
    assert "trailmark keys create NAME" in refused.stderr
    made = json.loads(run("keys", "create", "ci", "--workspace", "red", "--json", *home).stdout)
    assert made["key"] not in run("keys", "ls", *home).stdout
    command = [*TRAILMARK, "serve", "--host", "0.0.0.0", "--port", "0", "--log-requests", "--log-json", *home]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1].replace("0.0.0.0", "127.0.0.1")
        with httpx2.Client(base_url=url, trust_env=False, timeout=60) as client:
            assert client.get("/api/v1/projects", params={"q": "SECRET-query"}).status_code == 401
            client.headers["Authorization"] = f"Bearer {made['key']}"
            record = orjson.dumps(span(project="p", input="SECRET-input"))
            assert client.post("/api/v1/ingest", content=record).status_code == 200
            assert client.get("/api/v1/meta").json()["workspace"] == "red"
        server.send_signal(signal.SIGTERM)
        _, log = server.communicate(timeout=30)
    assert server.returncode == 0, log
    lines = [json.loads(line) for line in log.splitlines()]
    assert [(line["path"], line["status"], line["workspace"]) for line in lines if line["message"] == "request"] == [
        ("/api/v1/projects", 401, "-"), ("/api/v1/ingest", 200, "red"), ("/api/v1/meta", 200, "red"),
    ]  # fmt: skip
    assert "SECRET" not in log
    assert made["key"] not in log
    assert (tmp_path / "home" / "workspaces" / "red.db").exists()
    assert f"revoked {made['id']}" in run("keys", "revoke", made["id"], *home).stdout
    assert "no key" in run("keys", "revoke", made["id"], *home).stderr


def test_a_name_or_path_that_others_use_wants_a_key_first(tmp_path: Path) -> None:
    for option in (("--allowed-host", "traces.example"), ("--root-path", "/trail")):
        refused = run("serve", "--port", "0", *option, "--home", str(tmp_path))
        assert refused.returncode == 1
        assert option[1] in refused.stderr
        assert "trailmark keys create NAME" in refused.stderr


def test_an_insecure_server_says_so_loudly(tmp_path: Path) -> None:
    command = [*TRAILMARK, "serve", "--host", "0.0.0.0", "--port", "0", "--insecure", "--home", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1].replace("0.0.0.0", "127.0.0.1")
        assert httpx2.get(f"{url}/api/v1/projects", trust_env=False).status_code == 200
        server.send_signal(signal.SIGTERM)
        _, told = server.communicate(timeout=30)
    assert "INSECURE" in told
