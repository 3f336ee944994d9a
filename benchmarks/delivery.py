"""What delivery costs the process, beside the calls themselves. Run it: make bench

Each row runs in processes of its own against a sink on loopback that answers as a trailmark server does, or nobody.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORK = """
import os, resource, sys, threading, time
import trailmark
TEXT = ("The quick brown fox jumps over the lazy dog and writes a trace of it. " * 3)[:200]
@trailmark.track
def child(value): return {"answer": "ok", "n": len(value)}
@trailmark.track
def root(value):
    child(value); child(value); child(value)
    return {"answer": "ok"}
def private():
    fields = dict(line.split(":") for line in open("/proc/self/smaps_rollup").read().splitlines()[1:])
    return int(fields["Private_Dirty"].split()[0]) + int(fields["Private_Clean"].split()[0]) - sum(
        int(l.split()[1]) for b in open("/proc/self/smaps").read().split("VmFlags") if ".seg" in b
        for l in b.splitlines() if l.startswith("Private_"))
"""
THREADS = """
def run(n):
    for _ in range(n): root(TEXT)
run(200)
threads = [threading.Thread(target=run, args=(500,)) for _ in range(8)]
start = time.perf_counter()
[t.start() for t in threads]; [t.join() for t in threads]
print((time.perf_counter() - start) / 16000 * 1e6)
"""
DELIVERED = """
for _ in range(300): root(TEXT)
trailmark.flush(60)
start = time.process_time()
for _ in range(2500): root(TEXT)
assert trailmark.flush(60)
print((time.process_time() - start) / 10000 * 1e6)
"""
MEMORY = """
for _ in range(2000): root(TEXT)
time.sleep(1.5)
before = private()
for n in range(SPANS // 4): root(TEXT)
time.sleep(1.5)
print((private() - before) / 1024, trailmark.stats()["recorded"], trailmark.stats()["dropped"])
os._exit(0)
"""
IMPORT = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF)
import trailmark
@trailmark.track
def f(): pass
after = resource.getrusage(resource.RUSAGE_SELF)
print((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3)
"""


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(b"{}")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b'{"accepted":1,"rejected":[]}')

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("x-trailmark", "bench")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def run(program: str, **environ: str) -> tuple[str, float]:
    """What it printed, and how long it took in all."""
    with tempfile.TemporaryDirectory(prefix="trailmark-bench-") as home:
        env = {**os.environ, "TRAILMARK_HOME": home, "TRAILMARK_QUIET": "true", **environ}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # what pip installs is compiled
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
        return done.stdout, time.perf_counter() - start


def row(what: str, value: float, unit: str, budget: str) -> None:
    print(f"{what:58}{value:9.1f} {unit:4} budget {budget}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spans", type=int, default=200_000, help="of the memory row")
    given = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    nobody = {"TRAILMARK_URL": "http://127.0.0.1:9"}

    def best(program: str, **environ: str) -> float:
        return min(float(run(program, **environ)[0].split()[0]) for _ in range(given.rounds))

    row("import trailmark and the first decorator, CPU", best(IMPORT), "ms", "60")
    row("8 threads, wall per span", best(WORK + THREADS), "µs", "20")
    row("CPU of the whole process per span delivered", best(WORK + DELIVERED, TRAILMARK_URL=url), "µs", "20")
    printed, _ = run(WORK + f"SPANS = {given.spans}\n" + MEMORY, **nobody)
    grown, recorded, dropped = printed.split()
    text = f"private memory over {given.spans:,} spans, nobody answers"
    row(text, float(grown), "MB", f"10 ({recorded} records, {dropped} dropped)")
    bare = statistics.median(run("pass")[1] for _ in range(3))
    row("exit with a dead back end", run(WORK + "root(TEXT)", **nobody)[1] - bare, "s", "2")


if __name__ == "__main__":
    main()
