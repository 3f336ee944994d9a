"""The guards of the delivery are watched: take one out, and a test of this folder must fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "trailmark"

MUTANTS = {
    "no checksum": (
        "spool.py",
        "record if found == crc and len(record) == length else None",
        "record if len(record) == length else None",
        "test_spool.py",
        "damage_never or flipped_bit or damage_is_counted",
    ),
    "no look at the process": (
        "_fork.py",
        "    page[0] = 1\n    return page",
        "    return [1]",
        "test_processes.py",
        "parent_and_child or ids_of_a_forked",
    ),
    "own segments adopted": (
        "_owner.py",
        "    if mark.stem in _holding():\n        return True\n",
        "",
        "test_spool.py test_pipeline.py test_delivery.py",
        "TestSpool or Spool or kills_lose_nothing or newer",
    ),
    "acknowledged before a 2xx": (
        "_sender.py",
        "            if error.retryable:\n                raise\n",
        "            if error.retryable:\n                return\n",
        "test_pipeline.py test_delivery.py",
        "lie_alone or failing_server",
    ),
    "a redirect followed with the payload": (
        "exporters/_http.py",
        "follow_redirects=False",
        "follow_redirects=True",
        "test_pipeline.py",
        "redirect",
    ),
    "any 200 taken for an acknowledgement": (
        "exporters/native.py",
        '        if "x-trailmark" not in answer.headers:',
        "        if True:\n            return\n        if not answer:",
        "test_pipeline.py",
        "garbage or page or 413",
    ),
}


def outcome(source: Path, tests: str, chosen: str) -> subprocess.CompletedProcess[str]:
    """The chosen tests against a copy of the sources, in a process that finds that copy first."""
    env = {**os.environ, "PYTHONPATH": str(source.parent)}
    files = [str(TESTS / name) for name in tests.split()]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", chosen, *files]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=TESTS.parents[2])


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_guard_taken_out_is_noticed(tmp_path: Path, name: str) -> None:
    file, guard, without, tests, chosen = MUTANTS[name]
    copy = tmp_path / "trailmark"
    shutil.copytree(SOURCE, copy)
    text = (copy / file).read_text()
    assert text.count(guard) == 1, f"{file} has changed: the mutant {name!r} must be written anew"
    whole = outcome(copy, tests, chosen)
    assert whole.returncode == 0, whole.stdout
    (copy / file).write_text(text.replace(guard, without))
    assert outcome(copy, tests, chosen).returncode == 1, f"nobody noticed: {name}"
