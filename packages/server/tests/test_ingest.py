"""The native route: what is acknowledged is stored, what is bad is named."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trailmark_server.ingest.records import check
from trailmark_server.store import Store

from .conftest import START, new_id, span

Ingest = Callable[..., httpx2.Response]


def test_a_trace_is_read_back_as_it_was_sent(http: httpx2.Client, ingest: Ingest) -> None:
    scores = [{"name": "quality", "value": 0.95, "label": None, "reason": "cited"}, {"name": "fine", "value": True}]
    root = span(name="app", input={"q": "hi"}, output="ho", trace={"tags": ["a"], "thread_id": "t1", "scores": scores})
    child = span(
        trace_id=root["trace_id"], parent_id=root["id"], name="call", type="llm", model="gpt-4o-mini", provider="openai",
        usage={"input": 10, "input_cached": 2, "output": 5}, usage_raw={"prompt_tokens": 12}, start_us=START + 10,
        error={"type": "ValueError", "message": "no", "traceback": "tb"}, status="error", first_token_us=START + 20,
    )  # fmt: skip
    answer = ingest(root, child)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "rejected": []})
    found = http.get(f"/api/v1/traces/{root['trace_id']}").json()
    trace, cols = found["trace"], found["cols"]
    assert (trace["name"], trace["input"], trace["output"], trace["thread"]) == ("app", {"q": "hi"}, "ho", "t1")
    assert [(s["name"], s["value"], s["reason"]) for s in trace["scores"]] == [
        ("fine", True, None),
        ("quality", 0.95, "cited"),
    ]
    assert (cols["name"], cols["parent"], cols["tin"], cols["tout"]) == (
        ["app", "call"],
        [-1, 0],
        [None, 12],
        [None, 5],
    )
    assert cols["cost"][1] > 0
    whole = http.get(f"/api/v1/traces/{root['trace_id']}/spans/{child['id']}").json()
    assert whole["usage"] == child["usage"]
    assert whole["usage_raw"] == {"prompt_tokens": 12}
    assert whole["error"]["message"] == "no"
    assert whole["first_token_us"] == START + 20


def test_an_explicit_cost_wins_and_an_unknown_model_has_none(http: httpx2.Client, ingest: Ingest) -> None:
    told = span(type="llm", model="gpt-4o-mini", usage={"input": 10}, total_cost=0.5)
    unknown = span(type="llm", model="no-such-model", provider="nobody", usage={"input": 10})
    ingest(told, unknown)
    costs = [http.get(f"/api/v1/traces/{r['trace_id']}").json()["trace"]["cost"] for r in (told, unknown)]
    assert costs == [0.5, None]


def test_gzip_is_taken(ingest: Ingest, http: httpx2.Client) -> None:
    record = span()
    body = gzip.compress(orjson.dumps(record))
    answer = http.post("/api/v1/ingest", content=body, headers={"Content-Encoding": "gzip"})
    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "nope"}, "id"),
        ({"start_us": -1}, "start_us"),
        ({"status": "fine"}, "status"),
        ({"usage": {"input": -3}}, "usage.input"),
        ({"usage": {"input": 10**12}}, "usage.input"),  # sums of them would leave 64 bits
        ({"total_cost": 1e13}, "total_cost"),
        ({"trace_id": None}, "trace_id"),
        ({"k": "event"}, "record"),
        ({"tags": "x"}, "tags"),
    ],
)
def test_a_bad_item_is_named_and_its_neighbours_are_stored(
    http: httpx2.Client, ingest: Ingest, change: dict[str, Any], field: str
) -> None:
    good = span()
    answer = ingest(good, span(**change), span())
    assert answer.status_code == 207
    body = answer.json()
    assert body["accepted"] == 2
    [rejected] = body["rejected"]
    assert (rejected["index"], rejected["field"]) == (1, field)
    assert rejected["message"]
    assert http.get(f"/api/v1/traces/{good['trace_id']}").status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"k":"span"}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_record_at_all_is_refused(http: httpx2.Client, body: bytes) -> None:
    answer = http.post("/api/v1/ingest", content=body)
    assert answer.status_code == 400
    assert answer.json()["rejected"][0]["index"] == 0


def test_a_cut_or_false_encoding_is_refused(http: httpx2.Client) -> None:
    whole = gzip.compress(orjson.dumps(span()))
    for body in (whole[:-9], b"plain"):
        answer = http.post("/api/v1/ingest", content=body, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
    assert http.post("/api/v1/ingest", content=b"x", headers={"Content-Encoding": "br"}).status_code == 415


def test_scores_by_id_reach_traces_spans_and_are_replaced(http: httpx2.Client, ingest: Ingest) -> None:
    root = span()
    score = {
        "k": "score",
        "id": new_id(),
        "project": "Default Project",
        "name": "verdict",
        "label": "good",
        "ts_us": START,
    }
    ingest(root)
    ingest({**score, "ver": START, "trace_id": root["trace_id"]}, {**score, "ver": START, "span_id": root["id"]})
    ingest({**score, "ver": START + 1, "trace_id": root["trace_id"], "label": "bad"})
    ingest({**score, "ver": START - 1, "trace_id": root["trace_id"], "label": "late"})
    found = http.get(f"/api/v1/traces/{root['trace_id']}").json()
    assert [s["label"] for s in found["trace"]["scores"]] == ["bad"]
    assert found["cols"]["scores"] == [1]


def versions() -> list[dict[str, Any]]:
    """Two spans and a trace through their lives, with a late end and an interruption in between."""
    trace, root, child = new_id(), new_id(), new_id()
    lives = []
    for id, parent, extra in ((root, None, {"trace": {"tags": ["x"]}}), (child, root, {})):
        base = {"id": id, "trace_id": trace, "parent_id": parent, **extra}
        lives += [
            span(**base, ver=1, status="running", end_us=None),
            span(**base, ver=1, status="interrupted", end_us=None),
            span(**base, ver=2, output=f"end of {parent}"),
            span(**base, ver=START, output="edited", tags=["late"]),
        ]
    return lives


LIVES = versions()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(LIVES))), repeated=st.lists(st.integers(0, len(LIVES) - 1), max_size=6))
def test_any_order_and_repetition_gives_the_same_rows(store: Store, order: list[int], repeated: list[int]) -> None:
    def ingested(indexes: list[int]) -> Any:
        fresh = {old: new_id() for record in LIVES for old in (record["id"], record["trace_id"])}
        records = [orjson.dumps(LIVES[n]).decode() for n in indexes]
        for old, new in fresh.items():
            records = [record.replace(old, new) for record in records]
        good, bad = check([record.encode() for record in records])
        assert not bad
        for record in good:
            store.write(lambda writer, record=record: writer.put([record]))
        with store.read() as reader:
            found = reader.trace(fresh[LIVES[0]["trace_id"]])
            spans = [reader.span(found["trace"]["id"], id) for id in sorted(found["cols"]["id"])]
        text = orjson.dumps([{k: v for k, v in found.items() if k != "seq"}, spans]).decode()
        for old, new in fresh.items():
            text = text.replace(new, old)
        return orjson.loads(text)

    shuffled = order + repeated
    random.Random(1).shuffle(shuffled)
    assert ingested(shuffled) == ingested(list(range(len(LIVES))))


def test_an_interruption_yields_to_a_real_end_only(http: httpx2.Client, ingest: Ingest) -> None:
    record = span(status="running", ver=1, end_us=None)
    ingest({**record, "status": "interrupted"}, record)
    assert http.get(f"/api/v1/traces/{record['trace_id']}").json()["cols"]["status"] == ["interrupted"]
    ingest({**record, "status": "ok", "ver": 2, "end_us": START + 5})
    assert http.get(f"/api/v1/traces/{record['trace_id']}").json()["cols"]["status"] == ["ok"]


def test_orphans_circles_and_self_parents_become_roots(http: httpx2.Client, ingest: Ingest) -> None:
    trace, a, b, c, d = (new_id() for _ in range(5))
    ids = [(a, b), (b, a), (c, c), (d, new_id())]
    ingest(*(span(trace_id=trace, id=id, parent_id=parent, start_us=START + n) for n, (id, parent) in enumerate(ids)))
    parents = http.get(f"/api/v1/traces/{trace}").json()["cols"]["parent"]
    assert parents[2:] == [-1, -1]
    assert sorted(parents[:2]) == [-1, 0] or sorted(parents[:2]) == [-1, 1]


def test_what_a_client_says_of_itself_is_shown(http: httpx2.Client) -> None:
    report = '{"client":"host-1","mode":"mmap","dropped":{"full":3}}'
    for told in ("{}", "no json", '{"client":1,"mode":2,"dropped":3}', report):
        http.post("/api/v1/ingest", content=b"", headers={"X-Trailmark-Client": told})

    [shown] = http.get("/api/v1/clients").json()
    assert (shown["client"], shown["mode"], shown["dropped"]) == ("host-1", "mmap", {"full": 3})
    assert shown["seen_us"] > 0
