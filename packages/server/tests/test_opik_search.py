"""Opik's searches: its filters on traces and spans, its threads, page by page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import new_id

P = "/api/v1/private"


@pytest.fixture
def stored(http):
    """Three traces: tea and coffee of one thread, and a failed one."""

    def trace(name: str, second: int, **fields: Any) -> dict[str, Any]:
        start = f"2026-01-01T12:00:0{second}.000000Z"
        end = f"2026-01-01T12:00:0{second}.500000Z"
        return {"id": new_id(), "name": name, "start_time": start, "end_time": end, "last_updated_at": end} | fields

    traces = [
        trace("Tea", 1, input={"q": "How hot?"}, output={"a": 80}, tags=["shop", "Hot"], thread_id="th-1"),
        trace("Coffee", 2, input={"q": "How strong?"}, output={"a": 3}, thread_id="th-1", metadata={"run": {"n": 7}}),
        trace("Cocoa", 3, error_info={"exception_type": "ValueError", "message": "no", "traceback": "-"}),
    ]
    spans = [
        {**trace("call", 1), "trace_id": traces[0]["id"], "type": "llm", "model": "gpt-4o-mini", "provider": "openai",
         "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}},
        {**trace("look", 2), "trace_id": traces[1]["id"], "type": "tool"},
    ]  # fmt: skip
    http.post(f"{P}/traces/batch", json={"traces": traces})
    http.post(f"{P}/spans/batch", json={"spans": spans})
    scores = [{"id": traces[0]["id"], "name": "quality", "value": 0.5, "source": "sdk"}]
    http.put(f"{P}/traces/feedback-scores", json={"scores": scores})
    return traces


def search(http, kind, **body):
    answer = http.post(f"{P}/{kind}/search", json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.content.splitlines()]


def condition(text: str) -> dict[str, str]:
    field, operator, *value = text.split(" ", 2)
    name, _, key = field.partition("/")
    return {"field": name, "operator": operator, "key": key, "value": value[0] if value else ""}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("name = tea", ["Tea"]),
        ("name != tea", ["Cocoa", "Coffee"]),
        ("name starts_with Co", ["Cocoa", "Coffee"]),
        ("name contains ff", ["Coffee"]),
        ("name not_contains ff", ["Cocoa", "Tea"]),
        ("input contains strong", ["Coffee"]),
        ("input/q ends_with hot?", ["Tea"]),
        ("output/a > 10", ["Tea"]),
        ("metadata/run.n = 7", ["Coffee"]),
        ("metadata is_empty", ["Cocoa", "Tea"]),
        ("tags contains hot", ["Tea"]),
        ("tags is_empty", ["Cocoa", "Coffee"]),
        ("thread_id = th-1", ["Coffee", "Tea"]),
        ("feedback_scores/quality >= 0.5", ["Tea"]),
        ("feedback_scores/quality is_empty", ["Cocoa", "Coffee"]),
        ("usage.total_tokens > 14", ["Tea"]),
        ("duration >= 500", ["Cocoa", "Coffee", "Tea"]),
        ("duration > 500", []),
        ("start_time > 2026-01-01T12:00:01.500Z", ["Cocoa", "Coffee"]),
        ("error_info is_not_empty", ["Cocoa"]),
    ],
)
def test_a_filter_finds_the_traces_it_describes(http, stored, asked, found):
    assert [trace["name"] for trace in search(http, "traces", filters=[condition(asked)])] == found


def test_filters_are_joined_by_and(http, stored):
    both = [condition("thread_id = th-1"), condition("tags contains shop")]
    assert [trace["name"] for trace in search(http, "traces", filters=both)] == ["Tea"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [("type = llm", ["call"]), ("model starts_with gpt", ["call"]), ("type in tool,llm", ["look", "call"])],
)
def test_spans_are_filtered_too(http, stored, asked, found):
    assert [span["name"] for span in search(http, "spans", filters=[condition(asked)])] == found


def test_a_page_of_what_a_filter_finds_goes_on_where_the_last_one_ended(http, stored):
    thread = [condition("thread_id = th-1")]
    [first] = search(http, "traces", filters=thread, limit=1)
    [second] = search(http, "traces", filters=thread, limit=1, last_retrieved_id=first["id"])
    assert (first["name"], second["name"]) == ("Coffee", "Tea")
    assert search(http, "traces", filters=thread, limit=1, last_retrieved_id=second["id"]) == []


def test_a_thread_is_its_first_question_its_last_answer_and_its_scores(http, stored):
    other = {**stored[0], "id": new_id(), "thread_id": "th-2", "start_time": "2026-01-02T12:00:00Z", "end_time": None}
    http.post(f"{P}/traces", json=other)
    score = {"thread_id": "th-1", "name": "kind", "value": 1, "source": "sdk", "project_name": "Default Project"}
    http.put(f"{P}/traces/threads/feedback-scores", json={"scores": [score]})
    new, old = search(http, "traces/threads")
    assert (new["id"], new["status"]) == ("th-2", "active")
    assert (old["id"], old["status"], old["number_of_messages"]) == ("th-1", "inactive", 4)
    assert (old["first_message"], old["last_message"]) == ({"q": "How hot?"}, {"a": 3})
    assert [score["name"] for score in old["feedback_scores"]] == ["kind"]
    after = {"last_retrieved_thread_model_id": new["thread_model_id"]}
    assert [thread["id"] for thread in search(http, "traces/threads", **after)] == ["th-1"]
    assert [thread["id"] for thread in search(http, "traces/threads", filters=[condition("status = active")])] == [
        "th-2"
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([{"field": "colour", "operator": "=", "value": "x"}], "colour"),
        ([{"field": "name", "operator": "~", "value": "x"}], "'~'"),
        ([{"field": "duration", "operator": ">", "value": "long"}], "a number"),
        ([{"field": "start_time", "operator": ">", "value": "today"}], "ISO 8601"),
        (["name = x"], "a filter is str"),
        ({"name": "x"}, "filters is dict"),
    ],
)
def test_a_filter_that_is_none_is_refused_with_what_is_allowed(http, wrong, told):
    answer = http.post(f"{P}/traces/search", json={"filters": wrong})
    assert answer.status_code == 400
    assert told in answer.json()["detail"]
