"""`python -m trailmark spool`: what an operator sees and can do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from trailmark import spool

from .conftest import Collector


def command(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TRAILMARK_HOME": str(home), **environ}
    run = [sys.executable, "-m", "trailmark", "spool", *arguments]
    return subprocess.run(run, env=env, capture_output=True, text=True, check=False)


def left_by_a_dead_process(home: Path, url: str) -> None:
    program = "import os, trailmark\n@trailmark.track\ndef lost(n): return n\n[lost(n) for n in range(5)]\nos._exit(0)"
    env = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_URL": url, "TRAILMARK_QUIET": "true"}
    subprocess.run([sys.executable, "-c", program], env=env, check=True)


def test_ls_tells_who_left_how_much_for_whom(home: Path) -> None:
    assert "nothing waits" in command(home, "ls").stdout
    left_by_a_dead_process(home, "http://127.0.0.1:9")
    [line] = command(home, "ls").stdout.splitlines()
    assert "dead" in line
    assert "10 records" in line
    assert "http://127.0.0.1:9" in line


def test_flush_delivers_what_dead_processes_left(home: Path, collector: Collector) -> None:
    left_by_a_dead_process(home, collector.url)
    done = command(home, "flush")
    assert (done.returncode, done.stdout) == (0, f"{collector.url}: all delivered\n")
    assert {record["output"] for record in collector.records if record["ver"] == 2} == set(range(5))
    assert spool.segments(home) == []


def test_flush_says_what_it_could_not_deliver(home: Path) -> None:
    left_by_a_dead_process(home, "http://127.0.0.1:9")
    done = command(home, "flush", "--timeout", "0.3")
    assert done.returncode == 1
    assert "10 records are left" in done.stdout
    assert len(spool.segments(home)) > 0


def test_doctor_finds_damage_dead_servers_and_unwritable_homes(home: Path, tmp_path: Path) -> None:
    well = command(home, "doctor")
    assert (well.returncode, "BAD" in well.stdout) == (0, False)
    left_by_a_dead_process(home, "http://127.0.0.1:9")
    [path, *_] = (home / "spool").glob("*.seg")
    data = bytearray(path.read_bytes())
    data[spool.DATA_AT + 30] ^= 1
    path.write_bytes(data)
    ill = command(home, "doctor", TRAILMARK_URL="http://127.0.0.1:9")
    assert ill.returncode == 1
    bad = [line for line in ill.stdout.splitlines() if line.startswith("BAD")]
    assert [word for word in ("damaged", "dead processes", "no answer") if any(word in line for line in bad)] == [
        "damaged",
        "dead processes",
        "no answer",
    ]
    (tmp_path / "file").write_text("")
    assert "cannot be written" in command(tmp_path / "file" / "home", "doctor").stdout


def test_a_wrong_command_is_told_what_there_is(home: Path) -> None:
    done = command(home, "burn")
    assert done.returncode == 2
    assert "ls" in done.stderr
    assert "doctor" in done.stderr


def test_spans_that_never_end_are_interrupted_when_their_process_ends(home: Path, collector: Collector) -> None:
    program = """
import trailmark
from trailmark.instrumentation import start_span
start_span("endless", input={"q": 1})
trailmark.flush(10)
"""
    env = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_URL": collector.url, "TRAILMARK_FLUSH_TIMEOUT": "10"}
    subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True)
    statuses = [record["status"] for record in collector.records if record["name"] == "endless"]
    assert statuses == ["running", "interrupted"]
    assert spool.segments(home) == []
