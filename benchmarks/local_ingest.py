"""How soon what a program on this machine recorded can be read, and what looking for it costs. Run it: make bench-local

A program ends a span every 20 ms; the ingester of `trailmark serve` runs here, on a store of its own. A span waits from
its end to the commit that holds it. Beside it, in the same run: the CPU of the ingester while nobody records.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from trailmark_server.ingest.local import POLL_S, LocalIngester
from trailmark_server.store import open_store

BUDGET_S = 0.2
PROGRAM = """
import sys, time, trailmark
@trailmark.track
def work(x): return x
for n in range(int(sys.argv[1])):
    work("a question of some length " * 8)
    time.sleep(0.02)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=500)
    count: int = parser.parse_args().spans
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = open_store(home / "trailmark.db")
        waits: list[float] = []

        def arrived(records: list[dict[str, Any]]) -> None:
            now = time.time_ns() // 1000
            waits.extend((now - one["end_us"]) / 1e6 for one in records if one.get("end_us"))

        ingester = LocalIngester(store, home, arrived=arrived)
        ingester.start()
        idle = cpu_of(5)
        env = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_"))}
        subprocess.run([sys.executable, "-c", PROGRAM, str(count)], env=env | {"TRAILMARK_HOME": folder}, check=True)
        ingester.stop()
        store.close()
    late = sum(wait > BUDGET_S for wait in waits)
    cuts = statistics.quantiles(waits, n=100)
    print(f"looks every {POLL_S * 1000:.0f} ms; {len(waits)} spans")
    print(f"readable after   p50 {cuts[49] * 1000:6.1f} ms   p95 {cuts[94] * 1000:6.1f}   p99 {cuts[98] * 1000:6.1f}   "
          f"over {BUDGET_S * 1000:.0f} ms: {late}")  # fmt: skip
    print(f"looks of waits   p50 {cuts[49] / POLL_S:6.2f}      p99 {cuts[98] / POLL_S:6.2f}   (budget 2)")
    print(f"idle             {idle * 100:.2f} % of a core")


def cpu_of(seconds: float) -> float:
    began = time.process_time()
    time.sleep(seconds)
    return (time.process_time() - began) / seconds


if __name__ == "__main__":
    main()
