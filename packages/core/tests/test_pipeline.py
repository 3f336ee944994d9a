"""All that was accepted arrives, whatever the destination does and whoever is killed on the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trailmark import spool

from .lying_server import LIES, LyingServer

PROGRAM = Path(__file__).parent / "programs" / "deliver.py"


def run(folder: Path, server: LyingServer, calls: int, kill_after: float | None, timeout_s: float = 0.3) -> None:
    environ = {
        **os.environ,
        "TRAILMARK_HOME": str(folder / "home"),
        "TRAILMARK_URL": server.url,
        "TRAILMARK_FLUSH_TIMEOUT": str(timeout_s),
        "TRAILMARK_QUIET": "true",
    }
    command = [sys.executable, str(PROGRAM), str(folder), str(calls)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        if kill_after is not None:
            time.sleep(kill_after)
            process.send_signal(signal.SIGKILL)


def accepted_ids(folder: Path) -> set[str]:
    lines = [line for path in folder.glob("accepted.*") for line in path.read_text().split("\n")]
    return {line for line in lines if len(line) == 36}


def drained(folder: Path, server: LyingServer) -> None:
    """Successors, as long as anything is left."""
    server.honest = True
    for _ in range(20):
        run(folder, server, 1, None, timeout_s=20)
        if not spool.segments(folder / "home"):
            return
    raise AssertionError(f"still there: {spool.segments(folder / 'home')}")


def one_round(folder: Path, seed: int, kills: int) -> tuple[LyingServer, set[str]]:
    chance = random.Random(seed)
    server = LyingServer(seed)
    try:
        for _ in range(kills):
            run(folder, server, 5000, chance.uniform(0.2, 1.5))
        run(folder, server, 200, None)
        drained(folder, server)
    finally:
        server.close()
    return server, accepted_ids(folder)


def check(server: LyingServer, accepted: set[str]) -> None:
    ended = {id for id, versions in server.committed.items() if 2 in versions}
    assert accepted <= ended, f"{len(accepted - ended)} of {len(accepted)} lost"
    assert server.redirected == [], "the payload followed a redirect"
    assert all(record["name"] == "good" for versions in server.committed.values() for record in versions.values())
    for versions in server.committed.values():
        assert all(record["output"] == record["id"] for ver, record in versions.items() if ver == 2)


def test_a_lying_server_and_kills_lose_nothing(tmp_path: Path) -> None:
    server, accepted = one_round(tmp_path, seed=7, kills=2)
    assert len(accepted) > 500
    assert server.poison_refused > 0
    check(server, accepted)


@pytest.mark.slow
def test_eight_rounds_of_five_kills_lose_nothing(tmp_path: Path) -> None:
    total, told = 0, set()
    for seed in range(8):
        folder = tmp_path / str(seed)
        folder.mkdir()
        server, accepted = one_round(folder, seed, kills=5)
        check(server, accepted)
        total += len(accepted)
        told |= server.lies_told
    print(f"{total} spans accepted, none lost")
    assert len(told) >= len(LIES) - 2, f"only {told} were told"


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie != "401"])  # 401 pauses for a minute, see below
def test_each_lie_alone_delays_and_loses_nothing(tmp_path: Path, lie: str) -> None:
    server = LyingServer(1, (lie,), share=0.7)
    try:
        run(tmp_path, server, 100, None)
        drained(tmp_path, server)
    finally:
        server.close()
    accepted = accepted_ids(tmp_path)
    assert len(accepted) >= 400
    check(server, accepted)
