"""The same things sent again: at once by many, in any order, and by those whose they are not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import httpx2
import orjson

from .conftest import new_id, span

CLIENTS = 32


def versions(trace_id: str, id: str) -> list[dict[str, Any]]:
    """A root span as it grows: open, ended, edited; its score and its trace with it."""
    own = {"tags": ["a"], "metadata": {"n": 1}, "scores": [{"name": "quality", "value": 0.5}]}
    open_ = span(id=id, trace_id=trace_id, ver=1, status="running", end_us=None, trace=own)
    ended = span(
        id=id, trace_id=trace_id, ver=2, model="m", usage={"input": 3, "output": 4}, total_cost=0.25, trace=own
    )
    return [open_, ended, {**ended, "ver": 2_000_000_000_000_000, "name": "newest", "output": "last"}]


def test_what_many_clients_send_at_once_is_stored_once(http: httpx2.Client) -> None:
    trace_id, id = new_id(), new_id()
    records = versions(trace_id, id)

    def send(n: int) -> int:
        mixed = records * 2  # each twice in one body
        Random(n).shuffle(mixed)
        with httpx2.Client(base_url=http.base_url, trust_env=False, timeout=60) as client:
            return client.post("/api/v1/ingest", content=b"\n".join(map(orjson.dumps, mixed))).status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert set(pool.map(send, range(CLIENTS))) == {200}

    [row] = http.get("/api/v1/projects/Default Project/traces").json()["rows"]
    assert (row["spans"], row["tin"], row["tout"], row["cost"], row["name"], row["out"]) == (
        1,
        3,
        4,
        0.25,
        "newest",
        "last",
    )
    trace = http.get(f"/api/v1/traces/{trace_id}").json()["trace"]
    assert [score["value"] for score in trace["scores"]] == [0.5]


def test_a_span_of_another_project_changes_nothing_of_the_trace_it_names(http: httpx2.Client) -> None:
    own = {"tags": ["mine"], "metadata": {"secret": 1}, "thread_id": "t"}
    root = span(project="mine", name="root", input="asked", output="answered", trace=own)
    foreign = span(project="theirs", name="foreign", trace_id=root["trace_id"], ver=9, parent_id=root["id"])
    body = b"\n".join(map(orjson.dumps, (foreign, root, foreign)))
    assert http.post("/api/v1/ingest", content=body).status_code == 200

    trace = http.get(f"/api/v1/traces/{root['trace_id']}").json()["trace"]
    assert (trace["project"], trace["name"], trace["tags"]) == ("mine", "root", ["mine"])
    assert (trace["input"], trace["output"]) == ("asked", "answered")
    assert http.get("/api/v1/projects/theirs/traces").json()["rows"] == []
    assert [row["name"] for row in http.get("/api/v1/projects/mine/spans").json()["rows"]] == ["root"]
