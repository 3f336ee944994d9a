"""kill -9 of programs and of the server that takes their spool: every call that returned is there, and once."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trailmark import spool
from trailmark_server.ingest.local import LocalIngester
from trailmark_server.store import open_store

from .test_crash import started
from .test_local import environment

ROUNDS = 10
PROGRAM = """
import os, time, trailmark
@trailmark.track
def leaf(x): return "y" * (x % 5000)
@trailmark.track
def app(x):
    leaf(x)
    return trailmark.context.get_current_trace().trace_id
n = 0
while True:
    n += 1
    time.sleep(0.002)
    os.write(1, app(n).encode() + b"\\n")
"""


@pytest.mark.slow
def test_nothing_recorded_is_lost_or_doubled_by_kills_on_both_sides(tmp_path: Path) -> None:
    home = tmp_path / "home"
    told = tmp_path / "told"
    with told.open("ab") as out:
        for _ in range(ROUNDS):
            server, _ = started(home)
            programs = [
                subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment(home), stdout=out) for _ in range(2)
            ]
            time.sleep(random.uniform(0.4, 1.5))
            for process in random.sample([server, *programs], 3):
                process.send_signal(signal.SIGKILL)
                time.sleep(random.uniform(0, 0.1))
            for process in (server, *programs):
                process.wait()
    returned = [line for line in told.read_text().splitlines() if len(line) == 36]
    store = open_store(home / "trailmark.db")
    LocalIngester(store, home).once()
    store.close()

    with sqlite3.connect(home / "trailmark.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = dict(db.execute("SELECT lower(hex(trace_id)), span_count FROM traces"))
        spans = db.execute("SELECT count(*), count(DISTINCT span_id) FROM spans").fetchone()
    db.close()
    assert len(returned) == len(set(returned)) > ROUNDS
    assert [id for id in returned if stored.get(id.replace("-", "")) != 2] == []
    assert spans[0] == spans[1] == sum(stored.values())
    assert len(stored) <= len(returned) + 2 * ROUNDS  # and what a kill met before it could be told
    assert spool.segments(home) == []
