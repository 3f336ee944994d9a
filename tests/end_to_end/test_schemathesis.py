"""Schemathesis walks every route that the server describes, with what it allows and what it does not."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import httpx2
import pytest
from trailmark_server.keys import Keys

from .conftest import clean_environment

pytestmark = pytest.mark.slow


def test_no_route_answers_with_an_error_of_the_servers_own(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    subprocess.run([tmp_path / "env" / "bin" / "pip", "install", "-q", "schemathesis"], check=True)
    _, key = Keys(tmp_path / "home").create("fuzz", "default")  # a first key that it made would shut it out
    command = [Path(sys.executable).with_name("trailmark"), "serve", "--port", "0"]
    env = clean_environment(tmp_path / "home")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split("runs at ")[1].strip()
        try:
            done = subprocess.run(
                [tmp_path / "env" / "bin" / "st", "run", f"{url}/api/v1/openapi.json", "--checks", "not_a_server_error",
                 "--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--no-color", "-H", f"Authorization: Bearer {key}"],
                capture_output=True, text=True, cwd=tmp_path, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout[-6000:]
            assert httpx2.get(f"{url}/api/is-alive/ping").json() == {"healthy": True}
        finally:
            server.terminate()
