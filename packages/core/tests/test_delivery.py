"""From the outbox to the destination, and what stays when it does not answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trailmark
from trailmark import spool

from .conftest import Collector


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.01)


@trailmark.track
def leaf(x: int) -> int:
    return x


@trailmark.track
def root(x: int) -> int:
    return leaf(x)


def test_local_mode_writes_to_the_home_and_nobody_else_reads_it(home: Path, on_disk: Any) -> None:
    root(1)
    assert set(on_disk()) == {"root", "leaf"}
    assert on_disk()["leaf"]["output"] == 1
    assert (home / "spool").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (home / "spool").iterdir())
    assert trailmark.flush() == trailmark.FlushResult(recorded=4, delivered=4, pending=0, dropped=0)


def test_a_trailmark_server_gets_the_records_as_they_are(home: Path, collector: Collector) -> None:
    trailmark.configure(url=collector.url, api_key="k", flush_timeout=10)
    root(1)
    assert trailmark.flush()
    assert collector.newest()["leaf"]["parent_id"] == collector.newest()["root"]["id"]
    assert collector.newest()["root"]["status"] == "ok"
    assert collector.headers[0]["Authorization"] == "k"


def test_anything_else_gets_opiks_batches(home: Path, collector: Collector) -> None:
    collector.native = False
    trailmark.configure(url=f"{collector.url}/api", flush_timeout=10)

    @trailmark.track(name="app", type="retriever")
    def app() -> str:
        trailmark.update_current_trace(scores={"quality": 0.5, "verdict": "good"}, thread_id="t1")
        trailmark.update_current_span(usage={"input": 2, "input_cached": 1, "output": 3}, model="m", total_cost=0.25)
        return "text"

    app()
    assert trailmark.flush()
    [trace] = [item for item in collector.sent("traces/batch") if item.get("end_time")]
    [span] = [item for item in collector.sent("spans/batch") if item.get("end_time")]
    assert (trace["name"], trace["thread_id"], trace["output"]) == ("app", "t1", {"output": "text"})
    assert (span["type"], span["metadata"]["trailmark_type"]) == ("general", "retriever")
    assert span["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 3,
        "total_tokens": 6,
        "original_usage.prompt_tokens_details.cached_tokens": 1,
    }
    assert span["total_estimated_cost"] == 0.25
    assert span["trace_id"] == trace["id"]
    scores = {score["name"]: score for score in collector.sent("traces/feedback-scores")}
    assert scores["quality"]["value"] == 0.5
    assert scores["verdict"]["category_name"] == "good"


def test_opik_gets_every_item_once_and_at_most_a_thousand_in_a_request(home: Path, collector: Collector) -> None:
    collector.native = False
    trailmark.configure(url=collector.url, flush_timeout=20)
    for n in range(70):
        with trailmark.trace(f"t{n}"), trailmark.span("judged") as span:
            span.update(scores=[{"name": f"s{m}", "value": m} for m in range(31)])
    assert trailmark.flush()
    ended = {item["id"]: item["name"] for item in collector.sent("spans/batch") if item.get("end_time")}
    assert sorted(ended.values()) == sorted([*(f"t{n}" for n in range(70)), *["judged"] * 70])
    scores = {(score["id"], score["name"]): score["value"] for score in collector.sent("spans/feedback-scores")}
    judged = [id for id, name in ended.items() if name == "judged"]
    assert scores == {(id, f"s{m}"): m for id in judged for m in range(31)}
    assert max(len(items) for _, _, body in collector.bodies for items in body.values()) <= 1000


def test_a_refused_record_is_dropped_alone(home: Path, collector: Collector) -> None:
    refused = {"accepted": 1, "rejected": [{"index": 0, "id": None, "field": "name", "message": "no"}]}
    collector.answers = [(207, refused)]
    trailmark.configure(url=collector.url, flush_timeout=10)
    root(1)
    result = trailmark.flush()
    assert (result.pending, result.dropped) == (0, 1)


def test_a_failing_server_gets_it_later(home: Path, collector: Collector) -> None:
    collector.answers = [(503, {}), (500, {})]
    trailmark.configure(url=collector.url)
    root(1)
    assert trailmark.flush(timeout=20)
    assert set(collector.newest()) == {"root", "leaf"}


def test_a_dead_server_costs_no_span_and_the_next_process_delivers(
    home: Path, collector: Collector, tmp_path: Path
) -> None:
    program = "import trailmark\n@trailmark.track\ndef lost(): pass\nlost()\nprint(trailmark.flush(0.2).pending)"
    env = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_URL": collector.url, "TRAILMARK_FLUSH_TIMEOUT": "0.1"}
    collector.answers = [(503, {})] * 100
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
    collector.answers.clear()
    trailmark.configure(url=collector.url, flush_timeout=20)
    root(1)
    assert trailmark.flush()
    eventually(lambda: "lost" in collector.newest())
    assert collector.newest()["lost"]["status"] == "ok"


def test_a_killed_process_leaves_its_spans(home: Path, on_disk: Any) -> None:
    program = """
import os, signal, trailmark
@trailmark.track
def done(): pass
@trailmark.track
def busy(text):
    done()
    os.kill(os.getpid(), signal.SIGKILL)
busy("hello")
"""
    env = {**os.environ, "TRAILMARK_HOME": str(home)}
    killed = subprocess.run([sys.executable, "-c", program], env=env, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert on_disk()["done"]["status"] == "ok"
    assert on_disk()["busy"]["status"] == "running"
    assert on_disk()["busy"]["input"] == {"text": "hello"}
    assert [segment.is_live for segment in spool.segments(home)] == [False]


def test_a_span_told_anew_while_it_ran_is_interrupted_under_its_later_name(home: Path, collector: Collector) -> None:
    program = """
import os, signal
from trailmark.instrumentation import start_span
for wait in (False, True):
    span = start_span("GET", parent=None, input={"path": "/"})
    span.rename("GET /ended" if not wait else "GET /killed")
    span.tell()
    if not wait:
        span.end()
os.kill(os.getpid(), signal.SIGKILL)
"""
    env = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_URL": collector.url}
    subprocess.run([sys.executable, "-c", program], env=env, check=False, capture_output=True)
    trailmark.configure(url=collector.url, flush_timeout=20)
    root(1)
    assert trailmark.flush()
    eventually(lambda: any(span["status"] == "interrupted" for span in collector.records))
    eventually(lambda: "GET /ended" in collector.newest())
    assert [span["name"] for span in collector.records if span["status"] == "interrupted"] == ["GET /killed"]
    assert collector.newest()["GET /ended"]["status"] == "ok"


def test_a_flush_alone_delivers_what_a_killed_process_left(home: Path, collector: Collector) -> None:
    program = """
import os, signal, trailmark
for n in range(2000):
    with trailmark.trace(f"turn {n}"): pass
os.kill(os.getpid(), signal.SIGKILL)
"""
    env = {**os.environ, "TRAILMARK_URL": collector.url, "TRAILMARK_HOME": str(home), "TRAILMARK_QUIET": "true"}
    subprocess.run([sys.executable, "-c", program], env=env, check=False)
    before = len(collector.newest())
    trailmark.configure(url=collector.url, quiet=True)
    done = trailmark.flush(20)

    assert done and not done.recorded
    assert before < len(collector.newest()) == 2000
    assert not [segment for segment in spool.segments(home) if not segment.is_live]


def test_a_flush_with_nothing_to_deliver_opens_no_file(home: Path, collector: Collector) -> None:
    trailmark.configure(url=collector.url)

    assert trailmark.flush()
    assert not home.exists()


def test_a_forked_child_records_beside_its_parent(home: Path) -> None:
    program = """
import os, trailmark
@trailmark.track
def parent(): pass
@trailmark.track
def child(): pass
parent()
pid = os.fork()
child() if pid == 0 else (os.waitpid(pid, 0), parent())
"""
    env = {**os.environ, "TRAILMARK_HOME": str(home)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True)
    names = [
        record.split(b'"name":"')[1].split(b'"')[0] for s in spool.segments(home) for record in spool.read(s).records
    ]
    assert sorted(names) == [b"child"] * 2 + [b"parent"] * 4
    assert len(spool.segments(home)) == 2


def test_sampling_keeps_or_leaves_whole_traces(home: Path, on_disk: Any) -> None:
    trailmark.configure(sample_rate=0.5)
    for n in range(200):
        root(n)
    kept = list(spans_by_trace(home).values())
    assert 40 < len(kept) < 160
    assert set(kept) == {2}


def spans_by_trace(home: Path) -> dict[str, int]:
    spans: dict[str, set[str]] = {}
    for segment in spool.segments(home):
        for record in map(json.loads, spool.read(segment).records):
            spans.setdefault(record["trace_id"], set()).add(record["id"])
    return {trace: len(ids) for trace, ids in spans.items()}


def test_a_trailmark_server_is_told_what_was_dropped(home: Path, collector: Collector) -> None:
    collector.answers = [
        (207, {"accepted": 1, "rejected": [{"index": 0, "id": None, "field": "name", "message": "no"}]})
    ]
    trailmark.configure(url=collector.url, flush_timeout=10)
    root(1)
    trailmark.flush()
    root(2)
    trailmark.flush()
    told = json.loads(collector.headers[-1]["X-Trailmark-Client"])
    assert told["client"].endswith(f"-{os.getpid()}")
    assert (told["mode"], told["dropped"]) == ("mmap", {"refused": 1})


def test_edits_by_id_reach_opik_as_patches_and_a_span_without_its_trace_is_refused(
    home: Path, collector: Collector
) -> None:
    collector.native = False
    trailmark.configure(url=collector.url, quiet=True)
    client = trailmark.Client(project_name="p")
    trace = client.trace("t")
    span = trace.span("s", output=1)
    client.update_span(span.id, trace_id=trace.id, total_cost=0.5, usage={"input": 2}, output="late")
    client.update_trace(trace.id, tags=["late"])
    client.update_span(span.id, output="lost")
    result = client.flush(5)
    assert (result.pending, result.dropped) == (0, 1)
    patched = {path: body for method, path, body in collector.bodies if method == "PATCH"}
    assert patched[f"/api/v1/private/traces/{trace.id}"] == {"tags": ["late"], "project_name": "p"}
    sent = patched[f"/api/v1/private/spans/{span.id}"]
    assert (sent["trace_id"], sent["total_estimated_cost"], sent["output"]) == (trace.id, 0.5, {"output": "late"})
