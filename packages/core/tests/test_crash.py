"""SIGKILL at any moment costs nothing that was returned, changes nothing, invents nothing."""

from __future__ import annotations

import json
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trailmark import spool

from .programs.crash import SLOT, text_of

PROGRAM = Path(__file__).parent / "programs" / "crash.py"
THREADS = 8


def killed_after(folder: Path, seconds: float, variant: str = "trailmark") -> list[int]:
    """Run the program, kill it; the numbers its threads had reached."""
    (folder / "reached").write_bytes(bytes(SLOT * THREADS))
    command = [sys.executable, str(PROGRAM), str(folder), str(THREADS), variant]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    with (folder / "reached").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as reached:
        return [struct.unpack_from("<Q", reached, SLOT * thread)[0] for thread in range(THREADS)]


def judge(home: Path, reached: list[int]) -> tuple[int, list[str]]:
    """How many calls were accepted, and what is wrong with what was found of them."""
    opened: set[tuple[int, int]] = set()
    ended: set[tuple[int, int]] = set()
    wrong = []
    for segment in spool.segments(home):
        batch = spool.read(segment, 1 << 40, from_start=True)
        for record in map(json.loads, batch.records):
            asked = record["input"]
            key = (asked["thread"], asked["n"])
            (opened if record["ver"] == 1 else ended).add(key)
            if asked["text"] != text_of(*key) or (record["ver"] == 2 and record["output"] != asked["n"]):
                wrong.append(f"altered: {key}")
            if not 1 <= asked["n"] <= reached[asked["thread"]] + 1:
                wrong.append(f"invented: {key}")
    accepted = {(thread, n) for thread, last in enumerate(reached) for n in range(1, last + 1)}
    wrong += [f"lost: {key}" for key in accepted - ended] + [f"lost open record: {key}" for key in accepted - opened]
    return len(accepted), wrong


def crash_rounds(tmp_path: Path, rounds: int, variant: str = "trailmark") -> tuple[int, list[str]]:
    chance = random.Random(rounds)
    accepted, wrong = 0, []
    for n in range(rounds):
        folder = tmp_path / str(n)
        folder.mkdir()
        reached = killed_after(folder, chance.uniform(0.005, 0.15), variant)
        count, faults = judge(folder / "home", reached)
        accepted += count
        wrong += faults
        shutil.rmtree(folder)
    return accepted, wrong


def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    accepted, wrong = crash_rounds(tmp_path, 4)
    assert accepted > 100
    assert wrong == []


@pytest.mark.slow
def test_120_kills_with_eight_busy_threads_lose_nothing(tmp_path: Path) -> None:
    accepted, wrong = crash_rounds(tmp_path, 120)
    print(f"{accepted} calls accepted in 120 killed processes")
    assert accepted > 10_000
    assert wrong == []


def test_the_same_judge_catches_a_queue_in_memory(tmp_path: Path) -> None:
    _, wrong = crash_rounds(tmp_path, 6, "queue")
    assert any(fault.startswith("lost") for fault in wrong)


@pytest.mark.parametrize("end", ["os._exit(0)", "os.abort()", "ctypes.string_at(0)", "os.kill(os.getpid(), 15)"])
def test_ends_without_goodbye_keep_all_spans(home: Path, end: str) -> None:
    program = f"""
import ctypes, os, trailmark
@trailmark.track
def step(n): return n
for n in range(500): step(n)
{end}
"""
    env = {**os.environ, "TRAILMARK_HOME": str(home)}
    subprocess.run([sys.executable, "-c", program], env=env, check=False, capture_output=True)
    records = [json.loads(record) for s in spool.segments(home) for record in spool.read(s, 1 << 40).records]
    assert sorted(record["output"] for record in records if record["ver"] == 2) == list(range(500))
