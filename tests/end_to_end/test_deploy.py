"""What is in deploy/, as far as it can be tried without a container or an init system of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import venv
from fnmatch import fnmatch
from pathlib import Path

import pytest

from .conftest import ROOT, clean_environment

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def lines(word: str) -> list[str]:
    return re.findall(rf"^{word} (.+)$", DOCKERFILE, re.MULTILINE)


def listed(word: str) -> list[str]:
    """The arguments of a line in its form as JSON."""
    [line] = re.findall(rf"^{word} (.+)$", DOCKERFILE, re.MULTILINE)
    return json.loads(line[line.index("[") :])


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze")
    unit = (DEPLOY / "trailmark.service").read_text(encoding="utf-8")
    trailmark = Path(sys.executable).with_name("trailmark")
    assert "ExecStart=/opt/trailmark/bin/trailmark " in unit
    there = unit.replace("/opt/trailmark/bin/trailmark", str(trailmark)).replace("User=trailmark", "User=root")
    (tmp_path / "trailmark.service").write_text(there, encoding="utf-8")
    done = subprocess.run(
        [analyze, "verify", tmp_path / "trailmark.service"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_image_is_what_its_wheels_make_and_its_command_starts(tmp_path: Path) -> None:
    """The steps of the Dockerfile in a fresh environment, beside what only a container has: users, volumes."""
    wheels, home, python = tmp_path / "dist", tmp_path / "data", tmp_path / "env" / "bin" / "python"
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", wheels]
    subprocess.run([*build, *(ROOT / "packages" / name for name in ("core", "openai", "server"))], check=True)
    patterns = lines("COPY")[0].split()[:-1]
    copied = [wheel for wheel in wheels.iterdir() if any(fnmatch(f"dist/{wheel.name}", one) for one in patterns)]
    assert sorted(wheel.name.partition("-")[0] for wheel in copied) == ["trailmark", "trailmark_server"]
    venv.create(tmp_path / "env", with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", *copied], check=True)
    env = clean_environment(home) | {"PATH": f"{python.parent}:/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}
    command = [str(python.with_name(word)) if n == 0 else word for n, word in enumerate(listed("CMD"))]
    command[command.index("7171")] = "0"

    refused = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "trailmark keys create" in refused.stderr
    subprocess.run([command[0], "keys", "create", "me"], env=env, check=True, capture_output=True)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split()[3].rpartition(":")[2]
        try:
            check = [word.replace("7171", port) for word in listed("HEALTHCHECK .*CMD")]
            subprocess.run([str(python), *check[1:]], env=env, check=True)
        finally:
            server.terminate()
            assert server.wait(20) in (0, -15)
