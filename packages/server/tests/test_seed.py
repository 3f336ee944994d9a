"""Made-up traces: what a program could have sent, and the same each time."""

from __future__ import annotations

from itertools import islice

import orjson
from trailmark_server.ingest.records import check
from trailmark_server.seed import records, seed
from trailmark_server.store import Store

UNTIL = 1_800_000_000_000_000


def test_the_same_seed_gives_the_same_records() -> None:
    first, again, other = (list(records(300, until_us=UNTIL, seed=n)) for n in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_record_is_one_that_the_native_route_takes() -> None:
    items = [orjson.dumps(record) for record in islice(records(2000, until_us=UNTIL), 2000)]
    good, bad = check(items)
    assert (len(good), bad) == (2000, [])


def test_a_seeded_store_has_what_a_real_one_has(store: Store) -> None:
    assert seed(store, 3000, until_us=UNTIL) >= 3000
    with store.read() as reader:
        names = {project["name"] for project in reader.projects()}
        rows = [row for row in reader.newest(1000) if row["start_us"] <= UNTIL + 30_000_000]
        threads = reader.threads("support-agent", limit=10)
    assert names == {"support-agent", "rag", "chat-assistant", "research", "batch-eval"}
    assert {row["status"] for row in rows} >= {"ok", "error"}
    assert all(any(row[key] for row in rows) for key in ("tags", "scores", "thread", "user", "cost", "in", "out"))
    assert max(thread["traces"] for thread in threads) > 1
