"""The system refuses: no call of ours raises, what can be kept is kept, what cannot is counted."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from trailmark import spool

PROGRAM = Path(__file__).parent / "programs" / "nth_call.py"
CALLS = (
    "open",
    "posix_fallocate",
    "pwrite",
    "write",
    "mmap",
    "fdatasync",
    "ftruncate",
    "statvfs",
    "unlink",
    "close",
    "dup2",
)


def fail_nth(home: Path, name: str, nth: int, code: str) -> bool:
    """Whether the n-th call happened at all; asserts what must hold whatever failed."""
    home.mkdir()
    command = [sys.executable, str(PROGRAM), str(home), name, str(nth), code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    reached, dropped, mode = done.stdout.rsplit("\n", 2)[-2].rsplit(" ", 2)
    records = [json.loads(r) for s in spool.segments(home) for r in spool.read(s, 1 << 40, from_start=True).records]
    kept = {record["output"] for record in records if record["ver"] == 2}
    if mode != "memory":
        missing = set(range(40)) - kept
        assert len(missing) <= int(dropped), f"{missing} are neither on disk nor counted"
    return reached == "reached"


@pytest.mark.parametrize("code", ["ENOSPC", "EIO", "EMFILE"])
@pytest.mark.parametrize("name", CALLS)
def test_the_first_calls_of_each_kind_may_fail(tmp_path: Path, name: str, code: str) -> None:
    for nth in (1, 2):
        fail_nth(tmp_path / f"home{nth}", name, nth, code)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("name", CALLS)
def test_every_call_of_each_kind_may_fail(tmp_path: Path, name: str, code: str) -> None:
    nth = 1
    while fail_nth(tmp_path / f"home{nth}", name, nth, code) and nth < 60:
        nth += 1
    assert nth > 1 or name in ("close", "unlink"), f"{name} is never called: this test watches nothing"


@pytest.mark.parametrize("limit", [0, 100_000, 600_000, 3_000_000])
def test_a_file_size_limit_is_no_reason_to_fail_or_to_lose_silently(tmp_path: Path, limit: int) -> None:
    program = """
import os, trailmark
@trailmark.track
def step(n, text): return n
for n in range(3000): assert step(n, "x" * 1000) == n
print(trailmark.stats()["recorded"], trailmark.stats()["dropped"], trailmark.stats()["pending"])
os._exit(0)
"""
    env = {**os.environ, "TRAILMARK_HOME": str(tmp_path / "home"), "TRAILMARK_QUIET": "true"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    recorded, dropped, pending = map(int, done.stdout.split())
    on_disk = sum(len(spool.read(s, 1 << 40).records) for s in spool.segments(tmp_path / "home"))
    assert recorded == 6000
    assert on_disk + dropped + pending >= 6000


def test_an_unwritable_home_costs_nothing_but_durability(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    program = "import trailmark\n@trailmark.track\ndef step(n): return n\nprint(step(3), trailmark.stats()['mode'])"
    for home in (str(tmp_path / "file" / "home"), "/proc/nothing", "\x01" * 300):
        env = {**os.environ, "TRAILMARK_HOME": home}
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "3 memory\n"), done.stderr
        assert done.stderr.count("cannot write") == 1


def test_without_home_and_user_it_still_records(tmp_path: Path) -> None:
    program = "import trailmark\n@trailmark.track\ndef step(n): return n\nprint(step(3), trailmark.stats()['mode'])"
    env = {key: value for key, value in os.environ.items() if key not in ("HOME", "TRAILMARK_HOME")}
    for home in ({}, {"HOME": ""}):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**env, **home},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("3 ")
