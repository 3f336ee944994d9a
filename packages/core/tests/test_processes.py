"""Forks, pools, threads, signals, finalisers and exits: every span arrives, nobody waits, nobody is disturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trailmark import spool

from .conftest import Collector

START = """
import os, sys, threading, trailmark
@trailmark.track
def step(n): return n
"""


def run(
    home: Path, program: str, *, start: str = START, timeout_s: float = 60, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The program with its own home; its stderr must stay empty of everything but our one line."""
    env = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_QUIET": "true", **environ}
    done = subprocess.run(
        [sys.executable, "-c", start + program], env=env, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def ended(home: Path) -> list[int]:
    """Outputs of all ended spans of a home, in order of size."""
    records = [json.loads(r) for s in spool.segments(home) for r in spool.read(s, 1 << 40, from_start=True).records]
    return sorted(record["output"] for record in records if record["ver"] == 2)


def test_import_does_nothing(home: Path) -> None:
    program = """
import signal
print(threading.active_count(), len(os.listdir('/proc/self/fd')), os.path.exists(os.environ['TRAILMARK_HOME']))
print([m for m in ('httpx2', 'ssl', 'asyncio', 'numpy', 'logging') if m in sys.modules])
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    bare = subprocess.run(
        [sys.executable, "-c", "import os; print(len(os.listdir('/proc/self/fd')))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run(home, program).stdout == f"1 {int(bare.stdout)} False\n[]\nTrue\n"


def test_many_threads_that_begin_at_once_are_one_owner(home: Path) -> None:
    program = """
gate = threading.Barrier(16)
def work(n): gate.wait(); step(n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
[t.start() for t in threads]; [t.join() for t in threads]
print(trailmark.stats()["recorded"])
os._exit(0)
"""
    assert run(home, program).stdout == "32\n"
    assert ended(home) == list(range(16))
    assert len({segment.owner for segment in spool.segments(home) if spool.read(segment).records}) == 1


def test_parent_and_child_of_a_fork_both_record(home: Path) -> None:
    program = """
step(0)
pid = os.fork()
for n in range(100): step((1000 if pid == 0 else 2000) + n)
if pid == 0: os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    assert run(home, program).returncode == 0
    assert ended(home) == [0, *range(1000, 1100), *range(2000, 2100)]


def test_a_fork_in_the_middle_of_other_threads_writing_neither_hangs_nor_repeats(home: Path) -> None:
    program = """
import signal
stop = False
def work(k):
    n = 0
    while not stop: n += 1; step(k * 1_000_000 + n)
threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
[t.start() for t in threads]
for k in range(10, 40):
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        for n in range(20): step(k * 1_000_000 + n)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
[t.join() for t in threads]
"""
    assert run(home, program).returncode == 0
    outputs = ended(home)
    assert len(outputs) == len(set(outputs))
    assert {n for n in outputs if n >= 10_000_000} == {k * 1_000_000 + n for k in range(10, 40) for n in range(20)}


def test_ids_of_a_forked_child_are_its_own(home: Path) -> None:
    program = """
step(0)
for _ in range(5):
    if os.fork() == 0:
        for n in range(50): step(n)
        os._exit(0)
for _ in range(5): os.wait()
for n in range(50): step(n)
"""
    run(home, program)
    records = [json.loads(r) for s in spool.segments(home) for r in spool.read(s).records]
    ids = [record["id"] for record in records if record["ver"] == 2]
    assert len(ids) == len(set(ids)) == 301


def test_a_fork_without_python_hooks_is_noticed(home: Path) -> None:
    program = """
import ctypes
step(0)
pid = ctypes.PyDLL(None).fork()  # holds the GIL, as uWSGI does: without it the child may wait forever for another thread
step(1 if pid == 0 else 2)
if pid == 0: os._exit(0)
os.waitpid(pid, 0)
"""
    run(home, program)
    assert ended(home) == [0, 1, 2]
    assert len(spool.segments(home)) == 2


def test_a_span_open_across_a_fork_keeps_its_children(home: Path) -> None:
    program = """
with trailmark.trace("whole"):
    pid = os.fork()
    step(1 if pid == 0 else 2)
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)
"""
    run(home, program)
    records = [json.loads(r) for s in spool.segments(home) for r in spool.read(s).records]
    [whole] = {record["id"] for record in records if record["name"] == "whole"}
    assert {record["parent_id"] for record in records if record["name"] == "step"} == {whole}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_that_is_terminated_right_after_its_work_loses_nothing(home: Path, tmp_path: Path, method: str) -> None:
    module = tmp_path / "pooled.py"
    module.write_text(f"""
import multiprocessing, trailmark
@trailmark.track
def step(n): return n
if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(3, maxtasksperchild=7) as pool:
        pool.map(step, range(60), chunksize=1)
""")
    env = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_QUIET": "true"}
    subprocess.run([sys.executable, str(module)], env=env, check=True, capture_output=True, timeout=60)
    assert ended(home) == list(range(60))


def test_what_recycled_children_leave_is_delivered_by_their_parent(home: Path, collector: Collector) -> None:
    program = """
step(0)
for n in range(1, 11):
    pid = os.fork()
    if pid == 0: step(n); os._exit(0)
    os.waitpid(pid, 0)
"""
    run(home, program, TRAILMARK_URL=collector.url, TRAILMARK_FLUSH_TIMEOUT="10")
    run(home, "step(11)", TRAILMARK_URL=collector.url, TRAILMARK_FLUSH_TIMEOUT="10")
    outputs = {record["output"] for record in collector.records if record["ver"] == 2}
    assert outputs == set(range(12))
    assert spool.segments(home) == []


def test_signal_handlers_and_finalisers_may_record_at_any_moment(home: Path) -> None:
    program = """
import gc, itertools, signal
count = itertools.count()
class Dying:
    def __init__(self): self.me = self
    def __del__(self): step(2_000_000 + next(count))
ticks = 0
def tick(*_):
    global ticks
    ticks += 1; step(1_000_000 + ticks)
signal.signal(signal.SIGVTALRM, tick)  # by CPU time: on a busy machine ticks of the clock would pile up in each other
signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
gc.set_threshold(50)
for n in range(10_000):
    step(n)
    if n % 10 == 0: Dying()
signal.setitimer(signal.ITIMER_VIRTUAL, 0)
gc.collect()
assert ticks > 3, ticks
print(10_000 + ticks + next(count))
"""
    done = run(home, program)
    outputs = ended(home)
    assert len(outputs) == len(set(outputs)) == int(done.stdout), done.stderr[-2000:]


PATCH = "from gevent import monkey; monkey.patch_all()"


@pytest.mark.parametrize("when", ["before the import", "after the import", "after the first span"])
def test_greenlets_record_beside_each_other_whenever_gevent_patches(home: Path, when: str) -> None:
    pytest.importorskip("gevent")
    program = """
import gevent
jobs = [gevent.spawn(lambda k=k: [step(k * 100 + n) or gevent.sleep(0) for n in range(20)]) for k in range(100)]
gevent.joinall(jobs)
"""
    start = START.replace("trailmark\n", "trailmark\n" + PATCH + "\n", 1) if when == "after the import" else START
    start = f"{PATCH}\n{START}" if when == "before the import" else start
    start += f"step(-1)\n{PATCH}\n" if when == "after the first span" else "step(-1)\n"
    assert run(home, program, start=start).returncode == 0
    assert ended(home) == [-1, *sorted(k * 100 + n for k in range(100) for n in range(20))]


@pytest.mark.parametrize(
    "end", ["pass", "sys.exit(3)", "raise SystemExit(3)", "threading.Thread(target=lambda: step(8)).start()"]
)
def test_a_normal_end_delivers(home: Path, collector: Collector, end: str) -> None:
    run(home, f"step(7)\n{end}", TRAILMARK_URL=collector.url, TRAILMARK_FLUSH_TIMEOUT="10")
    assert collector.newest()["step"]["output"] in (7, 8)
    assert spool.segments(home) == []


def test_the_end_waits_no_longer_than_the_setting_when_nobody_answers(home: Path) -> None:
    start = time.monotonic()
    run(home, "step(1)", TRAILMARK_URL="http://127.0.0.1:9", TRAILMARK_FLUSH_TIMEOUT="0.5")
    assert time.monotonic() - start < 10
    assert ended(home) == [1]


def test_records_made_while_the_interpreter_ends_are_kept(home: Path) -> None:
    program = """
import atexit
atexit.register(lambda: step(2))
class Last:
    def __del__(self): step(3)
keep = Last()
step(1)
"""
    run(home, program)
    assert {1, 2} <= set(ended(home))


def test_flush_tells_the_truth_while_64_threads_record(home: Path, collector: Collector) -> None:
    program = """
def work():
    for _ in range(200): step(1)
threads = [threading.Thread(target=work) for _ in range(64)]
[t.start() for t in threads]
step(2)
seen = trailmark.flush(30)
[t.join() for t in threads]
last = trailmark.flush(30)
print(seen.delivered > 0, bool(last), last)
os._exit(0)
"""
    done = run(home, program, TRAILMARK_URL=collector.url)
    assert done.stdout == "True True FlushResult(recorded=25602, delivered=25602, pending=0, dropped=0)\n"
    assert len({record["id"] for record in collector.records if record["ver"] == 2}) == 64 * 200 + 1


def test_our_own_requests_are_not_traced(home: Path, collector: Collector) -> None:
    program = """
import httpx2
send = httpx2.Client.send
def traced(self, *args, **kwargs):
    with trailmark.span("http"): return send(self, *args, **kwargs)
httpx2.Client.send = traced
for n in range(3): step(n); trailmark.flush(10)
"""
    run(home, program, TRAILMARK_URL=collector.url)
    assert {record["name"] for record in collector.records} == {"step"}


def test_children_started_by_the_program_inherit_nothing(home: Path) -> None:
    program = """
import subprocess
step(1)
print(subprocess.check_output([sys.executable, "-c", "import os; print([os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if n != '3'])"], close_fds=False, text=True))
"""
    assert str(home) not in run(home, program).stdout


def test_memory_mode_where_no_file_can_be_written(tmp_path: Path, collector: Collector) -> None:
    nowhere = tmp_path / "a file"
    nowhere.write_text("")
    program = "step(1)\nprint(trailmark.stats()['mode'], bool(trailmark.flush(10)))"
    done = run(nowhere / "home", program, TRAILMARK_URL=collector.url)
    assert done.stdout == "memory True\n"
    assert "cannot write" in done.stderr
    assert collector.newest()["step"]["output"] == 1


GUNICORN = """
import trailmark
@trailmark.track
def handle(n): return n
handle(-1)  # before the fork, as --preload does
def app(environ, start_response):
    n = int(environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(handle(n)).encode()]
"""


def test_gunicorn_with_preload_and_recycled_workers_loses_nothing(
    home: Path, tmp_path: Path, collector: Collector
) -> None:
    pytest.importorskip("gunicorn")
    import socket

    import httpx2

    (tmp_path / "served.py").write_text(GUNICORN)
    env = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_URL": collector.url, "TRAILMARK_QUIET": "true"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number, url = listener.fileno(), f"http://127.0.0.1:{listener.getsockname()[1]}"
        options = f"--preload -w 3 --threads 2 --max-requests 40 -b fd://{number} --log-level error --no-control-socket"
        command = [sys.executable, "-m", "gunicorn", *options.split(), "served:app"]
        server = subprocess.Popen(command, env=env, cwd=tmp_path, pass_fds=[number])
    with server:
        try:
            with httpx2.Client(transport=httpx2.HTTPTransport(retries=100), trust_env=False) as client:
                for n in range(300):
                    for _ in range(200):
                        try:
                            assert client.get(f"{url}/{n}", headers={"Connection": "close"}).text == str(n)
                            break
                        except httpx2.TransportError:  # a worker is being replaced, or the server starts
                            time.sleep(0.05)
        finally:
            server.terminate()
    for _ in range(5):
        run(home, "step(0)", TRAILMARK_URL=collector.url, TRAILMARK_FLUSH_TIMEOUT="10")
    outputs = {record["output"] for record in collector.records if record["ver"] == 2 and record["name"] == "handle"}
    assert outputs == {-1, *range(300)}
    assert spool.segments(home) == []
