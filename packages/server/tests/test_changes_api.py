"""What people set, change and take away through the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest

from .conftest import START, new_id, span, walked

Ingest = Callable[..., httpx2.Response]
P = "/api/v1/projects/Default%20Project"
LIST = f"{P}/traces"


def test_scores_are_given_edited_and_taken_back(http: httpx2.Client, ingest: Ingest) -> None:
    one = span()
    ingest(one)
    given = {"trace_id": one["trace_id"], "name": "quality", "value": 0.4, "author": "ada"}
    first = http.post("/api/v1/scores", json=given).json()
    http.post("/api/v1/scores", json={**given, "value": 0.9, "reason": "on second thought"})
    http.post("/api/v1/scores", json={**given, "author": "bob", "value": 0.1})
    http.post("/api/v1/scores", json={"span_id": one["id"], "name": "verdict", "label": "good"})
    found = http.get("/api/v1/scores", params={"trace_id": one["trace_id"]}).json()
    assert {(s["name"], s["author"], s["value"], s["label"]) for s in found} == {
        ("quality", "ada", 0.9, None), ("quality", "bob", 0.1, None), ("verdict", "", None, "good"),
    }  # fmt: skip
    [before] = http.get(f"/api/v1/scores/{first['id']}/history").json()
    assert before["value"] == 0.4
    assert http.delete(f"/api/v1/scores/{first['id']}").status_code == 204
    assert http.delete(f"/api/v1/scores/{first['id']}").status_code == 404
    assert [h["value"] for h in http.get(f"/api/v1/scores/{first['id']}/history").json()] == [0.9, 0.4]
    assert len(http.get("/api/v1/scores", params={"project": "Default Project"}).json()) == 2


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": "x", "value": 1}, 400), ({"trace_id": "x", "name": "x", "value": 1}, 404),
        ({"trace_id": new_id(), "name": "x", "value": 1}, 404), ({"thread_id": "t", "name": "x", "value": 1}, 400),
        ({"trace_id": new_id(), "span_id": new_id(), "name": "x", "value": 1}, 400),
        ({"trace_id": new_id(), "name": "x"}, 400), ({"trace_id": new_id(), "name": "", "value": 1}, 422),
        ({"trace_id": new_id(), "name": "x", "value": 1, "colour": "red"}, 422),
        ({"thread_id": "t", "project": "p", "name": "x", "value": 1, "source": ""}, 422),
    ],
)  # fmt: skip
def test_a_wrong_score_is_refused(http: httpx2.Client, wrong: dict[str, Any], status: int) -> None:
    answer = http.post("/api/v1/scores", json=wrong)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_project_says_how_it_is_scored(http: httpx2.Client) -> None:
    defined = [{"name": "quality", "type": "numeric", "min": 0, "max": 1}, {"name": "verdict", "type": "categorical", "categories": ["good", "bad"]}]  # fmt: skip
    assert http.put(f"{P}/score-defs", json=defined).status_code == 200
    assert [d["name"] for d in http.get(f"{P}/score-defs").json()] == ["quality", "verdict"]
    for wrong in (
        [{"name": "x", "type": "categorical"}],
        [{"name": "x", "type": "numeric", "min": 2, "max": 1}],
        defined[:1] * 2,
    ):
        assert http.put(f"{P}/score-defs", json=wrong).status_code == 400


def test_views_and_settings_are_kept(http: httpx2.Client) -> None:
    view = {"name": "errors", "page": "traces", "project": "a", "params": {"q": "status:error"}}
    made = http.post("/api/v1/views", json=view).json()
    http.post("/api/v1/views", json={"name": "all", "project": None})
    http.put(f"/api/v1/views/{made['id']}", json={**view, "name": "failures"})
    assert [v["name"] for v in http.get("/api/v1/views", params={"project": "a"}).json()] == ["all", "failures"]
    assert [v["name"] for v in http.get("/api/v1/views", params={"project": "b"}).json()] == ["all"]
    assert http.delete(f"/api/v1/views/{made['id']}").status_code == 204
    assert http.delete(f"/api/v1/views/{made['id']}").status_code == 404
    assert http.get("/api/v1/settings").json()["retention_days"] is None
    assert http.put("/api/v1/settings", json={"retention_days": 30}).status_code == 200
    assert http.get("/api/v1/settings").json()["retention_days"] == 30
    assert http.put("/api/v1/settings", json={"retention_days": 0}).status_code == 422


def test_projects_are_made_renamed_and_deleted(http: httpx2.Client, ingest: Ingest) -> None:
    assert http.post("/api/v1/projects", json={"name": "a/b"}).status_code == 201
    assert http.post("/api/v1/projects", json={"name": "a/b"}).status_code == 409
    ingest(*(span(project="old") for _ in range(3)))
    assert http.patch("/api/v1/projects/old", json={"name": "a/b"}).status_code == 409
    assert http.patch("/api/v1/projects/old", json={"name": "new"}).json()["traces"] == 3
    assert http.delete("/api/v1/projects/new", params={"expected": 2}).status_code == 409
    assert http.delete("/api/v1/projects/new", params={"expected": 3}).json() == {"done": 3}
    assert http.delete("/api/v1/projects/new", params={"expected": 0}).status_code == 404
    assert [p["name"] for p in http.get("/api/v1/projects").json()] == ["a/b"]
    ingest(span(project="old"))
    assert {p["name"] for p in http.get("/api/v1/projects").json()} == {"a/b", "old"}


@pytest.mark.usefixtures("eight")
def test_bulk_actions_need_the_number_that_was_seen(http: httpx2.Client) -> None:
    url = f"{P}/bulk"
    assert http.post(url, json={"q": "tokens.in>40", "action": "tag", "tag": "big", "expected": 9}).status_code == 409
    assert http.post(url, json={"q": "tokens.in>40", "action": "tag", "tag": "big", "expected": 3}).json() == {
        "done": 3
    }
    assert walked(http, LIST, q="tag:big") == ["t7", "t6", "t5"]
    seven = http.get(LIST, params={"q": "name:t7"}).json()["rows"][0]["id"]
    assert (
        http.post(url, json={"ids": [seven, new_id()], "action": "untag", "tag": "big", "expected": 1}).status_code
        == 200
    )
    assert walked(http, LIST, q="tag:big") == ["t6", "t5"]
    scored = {"q": "tag:big", "action": "score", "expected": 2, "score": {"name": "x", "value": 1}}
    assert http.post(url, json=scored).json() == {"done": 2}
    assert walked(http, LIST, q="score.x:1") == ["t6", "t5"]
    assert http.post(url, json={"q": "", "action": "delete", "expected": 8}).json() == {"done": 8}
    assert walked(http, LIST) == []
    for wrong in (
        {"action": "delete", "expected": 0},
        {"q": "", "ids": [], "action": "delete", "expected": 0},
        {"q": "", "action": "tag", "expected": 0},
    ):
        assert http.post(url, json=wrong).status_code == 400


def test_an_export_can_be_taken_in_again(http: httpx2.Client, ingest: Ingest) -> None:
    root = span(name="root", input={"q": 1}, output="o", metadata={"m": 1}, tags=["s"], type="llm", model="m",
                usage={"input": 3}, total_cost=0.5, trace={"tags": ["t"], "thread_id": "th", "user_id": "u",
                "scores": [{"name": "q", "value": True, "label": None, "reason": "r"}]})  # fmt: skip
    ingest(
        root,
        span(
            trace_id=root["trace_id"],
            parent_id=root["id"],
            name="child",
            start_us=START + 1,
            scores=[{"name": "n", "value": 2}],
        ),
    )
    before = http.get(f"/api/v1/traces/{root['trace_id']}").json()
    rows = http.get(LIST).json()["rows"]
    answer = http.get(f"{P}/export", params={"q": "name:root"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = answer.content.splitlines()
    renamed = [line.replace(root["trace_id"].encode(), new_id().encode()) for line in lines]
    ids = {record["id"] for record in map(orjson.loads, lines) if record["k"] == "span"}
    fresh = {old: new_id() for old in ids}
    renamed = [
        re.sub(b"|".join(o.encode() for o in ids), lambda m: fresh[m[0].decode()].encode(), line) for line in lines
    ]
    new_trace = new_id()
    renamed = [line.replace(root["trace_id"].encode(), new_trace.encode()) for line in renamed]
    assert ingest(*renamed).json() == {"accepted": len(lines), "rejected": []}
    after = http.get(f"/api/v1/traces/{new_trace}").json()
    for found in (before, after):
        found["trace"].pop("id")
        found["cols"].pop("id")
        found.pop("seq")
    assert after == before
    assert len(http.get(LIST).json()["rows"]) == len(rows) + 1
    assert http.get(f"{P}/export", params={"q": "cost>much"}).status_code == 400


def test_own_prices_are_set_and_taken_back(http: httpx2.Client, ingest: Ingest) -> None:
    price = {"model": "mine-*", "provider": "", "parts": {"input": 2.0, "output": 4.0}}
    assert http.put("/api/v1/prices", json=price).status_code == 200
    assert http.get("/api/v1/prices").json() == [price]
    one = span(type="llm", model="mine-1", usage={"input": 1_000_000})
    ingest(one)
    assert http.get(f"/api/v1/spans/{one['id']}").json()["cost"] == 2
    for wrong in ({**price, "parts": {"words": 1}}, {**price, "parts": {"input": -1}}, {**price, "model": ""}):
        assert http.put("/api/v1/prices", json=wrong).status_code == 422
    assert http.delete("/api/v1/prices", params={"model": "mine-*"}).status_code == 204
    assert http.delete("/api/v1/prices", params={"model": "mine-*"}).status_code == 404
