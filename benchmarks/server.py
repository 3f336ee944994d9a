"""The server's budgets: spans a second over HTTP, pages of a large store, cost of ingest as it grows, memory.

    python benchmarks/server.py --spans 1000000

Client and server share the machine. Budgets stand beside the figures; times of pages are p50 over HTTP.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import httpx2
import orjson
from trailmark_server.home import database
from trailmark_server.seed import records
from trailmark_server.store import Store, open_store

UNTIL = 1_800_000_000_000_000
DAY_US = 86_400_000_000
GROWN = 30_000  # spans, for what the next ones cost
P = "/api/v1/projects/support-agent"
MONTH = {"from": str(UNTIL - 30 * DAY_US), "to": str(UNTIL)}
PAGES = (  # name, budget in ms, path, parameters
    ("newest 50 traces", 20, f"{P}/traces", {"limit": "50"}),
    ("by tag (common)", 20, f"{P}/traces", {"limit": "50", "q": "tag:beta"}),
    ("by tag (rare)", 20, f"{P}/traces", {"limit": "50", "q": "tag:vip"}),
    ("by score", 20, f"{P}/traces", {"limit": "50", "q": "score.quality<0.1"}),
    ("by metadata", 20, f"{P}/traces", {"limit": "50", "q": "metadata.customer.id:c-77"}),
    ("by duration", 20, f"{P}/traces", {"limit": "50", "q": "duration>15s"}),
    ("tag, score, metadata, duration", 20, f"{P}/traces",
     {"limit": "50", "q": "tag:beta score.quality<0.6 metadata.tier:pro duration>3s"}),
    ("dearest 50 traces", 20, f"{P}/traces", {"limit": "50", "sort": "-cost"}),
    ("text, rare word", 50, f"{P}/traces", {"limit": "50", "q": "bavoxa"}),
    ("text, common word", 50, f"{P}/traces", {"limit": "50", "q": "refund"}),
    ("text, phrase", 50, f"{P}/traces", {"limit": "50", "q": '"refund account"'}),
    ("30 days by model", 250, f"{P}/metrics", {"m": "latency,cost,tokens", "by": "model", "buckets": "60", **MONTH}),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--home", type=Path, default=None, help="keep the store here, or use the one that is here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        if not database(home).exists():
            fill(home, given.spans)
        with served(home) as (url, pid):
            ingest(url, pid)
            pages(url)
            print(f"memory of the server     {rss_mb(pid):8.0f} MB    (budget 300)")


def fill(home: Path, spans: int) -> None:
    """Seed, keeping a copy of the store at a tenth; compare what the next spans cost in both; then the text index."""
    made, tenth, stored = records(spans, until_us=UNTIL), home / "tenth.db", 0
    with contextlib.closing(open_store(database(home))) as store:
        while batch := list(islice(made, 1000)):
            store.put(batch)
            stored += len(batch)
            if stored >= spans // 10 and not tenth.exists():
                store.backup(tenth)
        with contextlib.closing(open_store(tenth)) as early:
            growth(early, store, spans)
        tenth.unlink()
        begun, count = time.process_time(), 0
        while indexed := store.index_text():
            count += indexed
        print(f"text index, behind       {(time.process_time() - begun) * 1e6 / max(count, 1):8.0f} µs/span CPU")
        print(f"on disk                  {store.disk_bytes() / spans / 1000:8.2f} KB/span")


def growth(early: Store, late: Store, spans: int) -> None:
    """What comes next, into both in turns: what else the machine does meets both alike. The first are to warm up."""
    days = 30 * GROWN / spans
    stores = {"early": (early, UNTIL - 27 * DAY_US), "late": (late, UNTIL)}
    made = {
        name: records(GROWN, until_us=end + int(days * DAY_US), seed=1, days=days) for name, (_, end) in stores.items()
    }
    costs: dict[str, list[float]] = {"early": [], "late": []}
    for _ in range(GROWN // 1000):
        for name, (store, _) in stores.items():
            batch = list(islice(made[name], 1000))
            begun = time.process_time()
            store.put(batch)
            costs[name].append((time.process_time() - begun) * 1e6 / len(batch))
    first, then = (statistics.mean(costs[name][5:]) for name in ("early", "late"))
    print(f"store, at {spans // 10:9,}     {first:8.0f} µs/span CPU")
    missed = "  MISSED" if then > first * 1.15 else ""
    print(f"store, at {spans:9,}     {then:8.0f} µs/span CPU, {then / first * 100 - 100:+.0f} % (budget +15){missed}")


@contextlib.contextmanager
def served(home: Path) -> Iterator[tuple[str, int]]:
    command = [str(Path(sys.executable).with_name("trailmark")), "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = next(word for word in server.stdout.readline().split() if word.startswith("http"))
        try:
            yield url, server.pid
        finally:
            server.terminate()


def ingest(url: str, pid: int, spans: int = 20_000) -> None:
    """Two clients post batches of 250 spans of 1 to 3 KB."""
    now = time.time_ns() // 1000
    made = list(islice(records(spans, until_us=now, seed=now, days=0.01), spans))
    bodies = [b"\n".join(map(orjson.dumps, made[n : n + 250])) for n in range(0, len(made), 250)]
    size = sum(map(len, bodies)) / len(made)
    wall, own, theirs = time.monotonic(), cpu_s(os.getpid()), cpu_s(pid)
    clients = [threading.Thread(target=post, args=(url, bodies[n::2])) for n in range(2)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    wall = time.monotonic() - wall
    each = [(after - before) * 1e6 / len(made) for after, before in ((cpu_s(pid), theirs), (cpu_s(os.getpid()), own))]
    print(f"ingest over HTTP         {len(made) / wall:8.0f} spans/s (budget 5000), {size / 1000:.1f} KB each;")
    print(f"                         {each[0]:8.0f} µs CPU a span in the server, {each[1]:.0f} in the clients")


def post(url: str, bodies: list[bytes]) -> None:
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
        for body in bodies:
            answer = client.post("/api/v1/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
            assert answer.json()["rejected"] == [], answer.text


def pages(url: str) -> None:
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
        while client.get("/api/v1/meta").json()["text_index"]["waiting"]:  # the budget of text is for what is indexed
            time.sleep(0.5)
        found = client.get("/api/v1/projects/batch-eval/traces", params={"q": "spans>900", "limit": "1"}).json()["rows"]
        whole: list[tuple[str, int, str, dict[str, str]]] = [
            ("one trace of 1,000 spans", 60, f"/api/v1/traces/{row['id']}", {}) for row in found
        ]
        for name, budget, path, params in (*PAGES, *whole):
            shown, size = p50_ms(partial(client.get, path, params=params))
            print(f"{name:30} {shown:8.1f} ms (budget {budget}){'  MISSED' if shown > budget else ''}  {size}")


def p50_ms(ask: Callable[[], httpx2.Response], rounds: int = 15) -> tuple[float, str]:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        answer = ask()
        times.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, answer.text
    rows = json.loads(answer.content).get("rows")
    return statistics.median(times), f"{len(rows)} rows" if rows is not None else f"{len(answer.content) // 1000} KB"


def cpu_s(pid: int) -> float:
    if pid == os.getpid():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1000


if __name__ == "__main__":
    main()
