"""Opik's routes, with the bodies its SDK sends."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest

from .conftest import new_id

P = "/api/v1/private"
TIME = "2026-01-01T12:00:00.000000Z"
LATER = "2026-01-01T12:00:01.500000Z"


def trace(**fields: Any) -> dict[str, Any]:
    return {"id": new_id(), "name": "t", "start_time": TIME, "last_updated_at": TIME, "source": "sdk"} | fields


def lines(answer: httpx2.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.content.splitlines()]


def test_batches_are_stored_in_any_order(http: httpx2.Client) -> None:
    whole = trace(end_time=LATER, input={"q": 1}, output={"a": 2}, thread_id="th", tags=["x"], last_updated_at=LATER)
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "original_usage.prompt_tokens_details.cached_tokens": 4,
    }
    call = {**trace(end_time=LATER), "trace_id": whole["id"], "type": "llm", "model": "gpt-4o-mini", "usage": usage}
    assert http.post(f"{P}/spans/batch", json={"spans": [call]}).status_code == 204
    assert http.post(f"{P}/traces/batch", json={"traces": [whole]}).status_code == 204
    assert (
        http.post(
            f"{P}/traces/batch", json={"traces": [{**whole, "output": None, "last_updated_at": TIME}]}
        ).status_code
        == 204
    )
    found = http.get(f"/api/v1/traces/{whole['id']}").json()
    assert (found["trace"]["output"], found["trace"]["dur_us"], found["trace"]["thread"]) == ({"a": 2}, 1_500_000, "th")
    span = http.get(f"/api/v1/traces/{whole['id']}/spans/{call['id']}").json()
    assert span["usage"] == {"input": 6, "input_cached": 4, "output": 5}
    again = http.get(f"{P}/spans/{call['id']}").json()
    assert again["usage"] == usage
    assert again["model"] == "gpt-4o-mini"


def test_an_update_may_come_before_what_it_updates(http: httpx2.Client) -> None:
    late = trace()
    assert http.patch(f"{P}/traces/{late['id']}", json={"end_time": LATER, "output": {"a": 1}}).status_code == 204
    assert http.post(f"{P}/traces", json=late).status_code == 201
    found = http.get(f"{P}/traces/{late['id']}").json()
    assert (found["name"], found["output"], found["end_time"]) == ("t", {"a": 1}, LATER)


def test_an_update_sets_only_what_it_names(http: httpx2.Client) -> None:
    whole = trace(input={"q": 1}, tags=["x"])
    http.post(f"{P}/traces", json=whole)
    http.patch(f"{P}/traces/{whole['id']}", json={"output": {"a": 1}})
    found = http.get(f"{P}/traces/{whole['id']}").json()
    assert (found["input"], found["output"], found["tags"]) == ({"q": 1}, {"a": 1}, ["x"])


def test_scores_are_set_and_deleted(http: httpx2.Client) -> None:
    whole = trace()
    http.post(f"{P}/traces", json=whole)
    score = {"id": whole["id"], "name": "good", "value": 0.5, "category_name": None, "source": "sdk"}
    assert http.put(f"{P}/traces/feedback-scores", json={"scores": [score]}).status_code == 204
    [found] = http.get(f"{P}/traces/{whole['id']}").json()["feedback_scores"]
    assert (found["name"], found["value"]) == ("good", 0.5)
    http.post(f"{P}/traces/{whole['id']}/feedback-scores/delete", json={"name": "good"})
    assert http.get(f"{P}/traces/{whole['id']}").json()["feedback_scores"] == []
    thread = {"thread_id": "th", "name": "good", "value": 1, "source": "sdk"}
    assert http.put(f"{P}/traces/threads/feedback-scores", json={"scores": [thread]}).status_code == 204


def test_search_pages_from_newest_to_oldest(http: httpx2.Client) -> None:
    ids = [new_id() for _ in range(5)]
    http.post(f"{P}/traces/batch", json={"traces": [trace(id=id, project_name="p") for id in ids]})
    first = lines(http.post(f"{P}/traces/search", json={"project_name": "p", "limit": 3}))
    body = {"project_name": "p", "limit": 3, "last_retrieved_id": first[-1]["id"]}
    rest = lines(http.post(f"{P}/traces/search", json=body))
    assert [t["id"] for t in first + rest] == ids[::-1]
    assert all(t["start_time"] == TIME for t in first)


@pytest.mark.parametrize(
    ("route", "body", "detail"),
    [
        ("traces/batch", {"traces": [trace(), trace(id="nope")]}, "traces[1].id"),
        ("traces/batch", {"traces": [trace(start_time="noon")]}, "traces[0].start_time"),
        ("traces/batch", {"traces": [{"id": new_id()}]}, "traces[0].start_time"),
        ("spans/batch", {"spans": [trace()]}, "spans[0].trace_id"),
        ("spans/batch", {"spans": "x"}, "spans is str; allowed: a list"),
        ("traces/batch", {"traces": []}, "traces is 0 items"),
        ("traces/batch", {"traces": [3]}, "traces[0].record"),
    ],
)
def test_a_malformed_batch_is_refused_by_item_and_field(
    http: httpx2.Client, route: str, body: Any, detail: str
) -> None:
    answer = http.post(f"{P}/{route}", content=orjson.dumps(body))
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(detail)


def test_nan_is_tolerated(http: httpx2.Client) -> None:
    whole = trace(input={"x": 1.5})
    body = json.dumps({"traces": [whole]}).replace("1.5", "NaN")
    assert http.post(f"{P}/traces/batch", content=body.encode()).status_code == 204
    assert http.get(f"{P}/traces/{whole['id']}").json()["input"] == {"x": None}


def test_pages_are_read_by_number(http: httpx2.Client) -> None:
    ids = [new_id() for _ in range(5)]
    http.post(f"{P}/traces/batch", json={"traces": [trace(id=id, project_name="p") for id in ids]})
    pages = [http.get(f"{P}/traces", params={"project_name": "p", "page": n, "size": 2}).json() for n in (1, 2, 3)]
    assert [t["id"] for page in pages for t in page["content"]] == ids[::-1]
    assert pages[2]["total"] == 5
    assert http.get(f"{P}/traces", params={"filters": "["}).status_code == 400


@pytest.mark.parametrize("first", ["create", "update"])
def test_an_update_counts_though_the_clients_clock_is_ahead(http: httpx2.Client, first: str) -> None:
    ahead = time.time() + 3600
    made = datetime.fromtimestamp(ahead, UTC).isoformat()
    id = str(UUID(int=(int(ahead * 1000) << 80) | 0x7000_8000_0000_0000_0001))
    whole = trace(id=id, start_time=made, last_updated_at=made)
    steps = [
        lambda: http.post(f"{P}/traces", json=whole),
        lambda: http.patch(f"{P}/traces/{id}", json={"output": {"a": 1}, "tags": ["x"]}),
    ]
    for step in steps if first == "create" else reversed(steps):
        assert step().status_code < 300
    found = http.get(f"{P}/traces/{id}").json()
    assert (found["name"], found["output"], found["tags"]) == ("t", {"a": 1}, ["x"])


def test_a_later_full_record_replaces_what_an_update_set(http: httpx2.Client) -> None:
    whole = trace()
    http.post(f"{P}/traces", json=whole)
    http.patch(f"{P}/traces/{whole['id']}", json={"output": {"a": 1}, "metadata": {"kept": 1}})
    later = datetime.fromtimestamp(time.time() + 5, UTC).isoformat()
    http.post(f"{P}/traces", json={**whole, "output": {"a": 2}, "last_updated_at": later})
    assert http.get(f"{P}/traces/{whole['id']}").json()["output"] == {"a": 2}


def test_many_are_updated_at_once_and_their_tags_merged(http: httpx2.Client) -> None:
    two = [trace(tags=["a"]) for _ in range(2)]
    http.post(f"{P}/traces/batch", json={"traces": two})
    body = {"ids": [one["id"] for one in two], "update": {"tags": ["b"], "metadata": {"m": 1}}, "merge_tags": True}
    assert http.patch(f"{P}/traces/batch", json=body).status_code == 204
    for one in two:
        found = http.get(f"{P}/traces/{one['id']}").json()
        assert (found["tags"], found["metadata"]) == (["a", "b"], {"m": 1})
    assert http.patch(f"{P}/traces/batch", json={"ids": ["x"], "update": {}}).status_code == 400


def test_traces_are_deleted_one_by_one_and_many_at_once(http: httpx2.Client) -> None:
    three = [trace() for _ in range(3)]
    http.post(f"{P}/traces/batch", json={"traces": three})
    assert http.delete(f"{P}/traces/{three[0]['id']}").status_code == 204
    assert http.post(f"{P}/traces/delete", json={"ids": [three[1]["id"]]}).status_code == 204
    assert [http.get(f"{P}/traces/{one['id']}").status_code for one in three] == [404, 404, 200]


def test_a_thread_is_retrieved_closed_and_its_scores_deleted(http: httpx2.Client) -> None:
    http.post(f"{P}/traces", json=trace(thread_id="th", project_name="p", input={"q": 1}))
    score = {"thread_id": "th", "project_name": "p", "name": "tone", "value": 1, "source": "sdk"}
    http.put(f"{P}/traces/threads/feedback-scores", json={"scores": [score]})
    asked = {"project_name": "p", "thread_id": "th"}
    found = http.post(f"{P}/traces/threads/retrieve", json=asked).json()
    assert (found["id"], found["first_message"], found["feedback_scores"][0]["name"]) == ("th", {"q": 1}, "tone")
    assert http.put(f"{P}/traces/threads/close", json=asked).status_code == 204
    http.post(f"{P}/traces/threads/feedback-scores/delete", json={**asked, "names": ["tone"]})
    assert http.post(f"{P}/traces/threads/retrieve", json=asked).json()["feedback_scores"] == []
    assert http.post(f"{P}/traces/threads/retrieve", json={**asked, "thread_id": "no"}).status_code == 404


def test_it_is_said_which_workspace_answers(http: httpx2.Client) -> None:
    assert http.post(f"{P}/auth").status_code == 204
    assert http.get(f"{P}/auth/workspace").json() == {"workspace_name": "default"}
    assert http.get(f"{P}/workspace-permissions").json()["permissions"] == []


def test_tags_are_added_and_taken_away_by_an_update(http: httpx2.Client) -> None:
    one = trace(tags=["a", "b"])
    http.post(f"{P}/traces", json=one)
    for change, left in (
        ({"tags_to_add": ["c", "a"]}, ["a", "b", "c"]), ({"tags_to_remove": ["b", "no"]}, ["a", "c"]),
        ({"tags_to_add": ["d"], "tags_to_remove": ["a"]}, ["c", "d"]), ({"tags": ["x", "y"], "tags_to_remove": ["x"]}, ["y"]),
    ):  # fmt: skip
        assert http.patch(f"{P}/traces/{one['id']}", json=change).status_code == 204
        assert http.get(f"{P}/traces/{one['id']}").json()["tags"] == left
    for wrong in ("x", [1], {}):
        refused = http.patch(f"{P}/traces/{one['id']}", json={"tags_to_remove": wrong})
        assert (refused.status_code, refused.json()["detail"][:15]) == (400, "tags_to_remove:")


def test_a_guardrail_is_a_score_of_its_span(http: httpx2.Client) -> None:
    one = trace()
    step = {"id": new_id(), "trace_id": one["id"], "name": "Guardrail", "type": "guardrail", "start_time": TIME}
    http.post(f"{P}/traces", json=one)
    http.post(f"{P}/spans", json=step)
    check = {
        "entity_id": one["id"],
        "secondary_id": step["id"],
        "config": {"topics": ["money"]},
        "details": {"money": 0.9},
    }
    good, bad = {**check, "name": "TOPIC", "result": "failed"}, {**check, "name": "PII", "result": "perhaps"}
    refused = http.post(f"{P}/guardrails", json={"guardrails": [good, bad]})
    assert (refused.status_code, refused.json()["rejected"][0]["field"]) == (400, "result")
    [score] = http.get(f"{P}/spans/{step['id']}").json()["feedback_scores"]
    assert (score["name"], score["value"], score["category_name"]) == ("guardrail.topic", 0, "failed")
    assert json.loads(score["reason"]) == {"config": check["config"], "details": check["details"]}
    assert http.post(f"{P}/guardrails", json={"guardrails": [{**good, "result": "passed"}]}).status_code == 204
    [score] = http.get(f"{P}/spans/{step['id']}").json()["feedback_scores"]
    assert (score["value"], score["category_name"]) == (1, "passed")


def test_what_guardrails_found_is_told_by_span(http: httpx2.Client) -> None:
    one = trace()
    steps = [{**trace(), "trace_id": one["id"], "type": "guardrail"} for _ in range(2)]
    http.post(f"{P}/traces", json=one)
    http.post(f"{P}/spans/batch", json={"spans": steps})
    assert http.get(f"{P}/traces/{one['id']}").json()["guardrails_validations"] is None
    checks = [{"entity_id": one["id"], "secondary_id": step["id"], "name": name, "result": result, "config": {}, "details": {}}
              for step, name, result in zip(steps, ("PII", "TOPIC"), ("failed", "passed"), strict=True)]  # fmt: skip
    assert http.post(f"{P}/guardrails", json={"guardrails": checks}).status_code == 204
    found = [
        {"span_id": check["secondary_id"], "checks": [{"name": check["name"], "result": check["result"]}]}
        for check in checks
    ]
    assert http.get(f"{P}/traces/{one['id']}").json()["guardrails_validations"] == found
    assert http.get(f"{P}/spans/{steps[0]['id']}").json()["guardrails_validations"] == found[:1]


def test_the_ping_is_healthy_at_both_addresses(http: httpx2.Client) -> None:
    assert [http.get(f"{base}/is-alive/ping").json() for base in ("", "/api")] == [{"healthy": True}] * 2


def test_projects_are_found_by_page_name_and_id(http: httpx2.Client) -> None:
    for name in ("shop", "shop/eu", "bank"):
        http.post(f"{P}/traces", json=trace(project_name=name))
    first = http.get(f"{P}/projects", params={"size": 2}).json()
    last = http.get(f"{P}/projects", params={"size": 2, "page": 2}).json()
    assert {one["name"] for one in first["content"] + last["content"]} == {"shop", "shop/eu", "bank"}
    assert (first["total"], first["size"], last["size"]) == (3, 2, 1)
    named = http.get(f"{P}/projects", params={"name": "SHOP"}).json()["content"]
    assert {one["name"] for one in named} == {"shop", "shop/eu"}
    told = http.post(f"{P}/projects/retrieve", json={"name": "shop/eu"}).json()
    assert http.get(f"{P}/projects/{told['id']}").json() == told
    assert http.post(f"{P}/projects/retrieve", json={"name": "none"}).status_code == 404


def test_the_link_that_opiks_sdk_prints_leads_to_the_trace(http: httpx2.Client) -> None:
    one = trace(project_name="my shop")
    http.post(f"{P}/traces", json=one)
    link = {"trace_id": one["id"], "path": "aHR0cDovL2V2aWwudGVzdA=="}  # where it says it leads to is not asked
    first = http.get("/api/v1/session/redirect/projects/", params=link, follow_redirects=False)
    second = http.get(first.headers["location"], follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (307, f"/t/{one['id']}")
    assert second.headers["location"] == f"/p/my%20shop/traces/{one['id']}"


def test_environments_are_kept_in_order_and_each_name_once(http: httpx2.Client) -> None:
    url, ids = f"{P}/environments", [new_id(), new_id()]
    for position, (id, name) in enumerate(zip(ids, ("production", "staging"), strict=True)):
        assert http.post(url, json={"id": id, "name": name, "position": 1 - position}).status_code == 201
    assert http.post(url, json={"name": "staging"}).status_code == 409
    assert [one["name"] for one in http.get(url).json()["content"]] == ["staging", "production"]
    assert http.patch(f"{url}/{ids[0]}", json={"color": "#ff0000", "description": "live"}).status_code == 204
    assert http.patch(f"{url}/{ids[0]}", json={"name": "staging"}).status_code == 409
    found = http.get(f"{url}/{ids[0]}").json()
    assert (found["name"], found["color"], found["description"], found["position"]) == (
        "production",
        "#ff0000",
        "live",
        1,
    )
    assert http.post(f"{url}/delete", json={"ids": [ids[0], new_id()]}).status_code == 204
    assert [http.get(f"{url}/{id}").status_code for id in ids] == [404, 200]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({}, "name"), ({"name": ""}, "name"), ({"name": 3}, "name"), ({"name": "a", "position": -1}, "position"),
     ({"name": "a", "id": "x"}, "id"), ({"name": "a", "color": "c" * 33}, "color")],
)  # fmt: skip
def test_a_wrong_environment_is_refused_by_field(http: httpx2.Client, wrong: dict[str, Any], field: str) -> None:
    refused = http.post(f"{P}/environments", json=wrong)
    assert (refused.status_code, refused.json()["detail"].split(":")[0]) == (400, field)
