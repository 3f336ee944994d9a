"""Comments on traces, spans and conversations: on the page's routes and on Opik's."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from trailmark_server.store import Store

from .conftest import new_id, span
from .test_opik import P, trace

C = "/api/v1/comments"


@pytest.fixture
def stored(http: httpx2.Client) -> dict[str, Any]:
    """A trace with a span, in a conversation; the ids Opik's SDK has for each."""
    one = trace(thread_id="th", project_name="p", input={"q": 1})
    step = {**trace(project_name="p"), "trace_id": one["id"]}
    http.post(f"{P}/traces", json=one)
    http.post(f"{P}/spans", json=step)
    [thread] = http.post(f"{P}/traces/threads/search", json={"project_name": "p"}).text.splitlines()
    model_id = httpx2.Response(200, text=thread).json()["thread_model_id"]
    return {"traces": one["id"], "spans": step["id"], "traces/threads": model_id}


def comments_of(http: httpx2.Client, what: str, id: str) -> list[str]:
    """As Opik's SDK reads them with what they are on."""
    if what == "traces/threads":
        found = http.post(f"{P}/traces/threads/retrieve", json={"project_name": "p", "thread_id": "th"})
    else:
        found = http.get(f"{P}/{what}/{id}")
    return [one["text"] for one in found.json()["comments"] or []]


@pytest.mark.parametrize("what", ["traces", "spans", "traces/threads"])
def test_a_comment_is_made_read_edited_and_deleted_as_opik_does(http: httpx2.Client, stored, what: str) -> None:
    url = f"{P}/{what}/{stored[what]}/comments"
    made = http.post(url, json={"text": "odd answer"})
    assert made.status_code == 201
    at = made.headers["location"]
    id = at.rpartition("/")[2]
    told = http.get(at).json()
    assert (told["id"], told["text"], told["created_at"]) == (id, "odd answer", told["last_updated_at"])
    assert http.patch(f"{P}/{what}/comments/{id}", json={"text": "fine after all"}).status_code == 204
    edited = http.get(at).json()
    assert (edited["text"], edited["created_at"]) == ("fine after all", told["created_at"])
    assert edited["last_updated_at"] > told["last_updated_at"]
    assert comments_of(http, what, stored[what]) == ["fine after all"]
    if what != "traces/threads":
        assert http.get(at.replace(stored[what], stored[what].upper())).json() == edited
    assert http.post(f"{P}/{what}/comments/delete", json={"ids": [id, new_id()]}).status_code == 204
    assert (http.get(at).status_code, comments_of(http, what, stored[what])) == (404, [])


def test_a_comment_is_of_one_thing_only(http: httpx2.Client, stored) -> None:
    made = http.post(f"{P}/spans/{stored['spans']}/comments", json={"text": "slow"})
    id = made.headers["location"].rpartition("/")[2]
    assert http.get(f"{P}/traces/{stored['traces']}/comments/{id}").status_code == 404
    assert http.patch(f"{P}/traces/comments/{id}", json={"text": "x"}).status_code == 404
    http.post(f"{P}/traces/comments/delete", json={"ids": [id]})
    assert comments_of(http, "spans", stored["spans"]) == ["slow"]
    assert comments_of(http, "traces", stored["traces"]) == []


@pytest.mark.parametrize("what", ["traces", "spans", "traces/threads"])
def test_a_comment_on_nothing_or_of_nothing_is_refused(http: httpx2.Client, stored, what: str) -> None:
    assert http.post(f"{P}/{what}/{new_id()}/comments", json={"text": "x"}).status_code == 404
    for wrong in ({}, {"text": ""}, {"text": "  "}, {"text": 3}, {"text": "x" * 100_001}):
        refused = http.post(f"{P}/{what}/{stored[what]}/comments", json=wrong)
        assert (refused.status_code, refused.json()["detail"][:5]) == (400, "text:"), wrong
    assert http.patch(f"{P}/{what}/comments/{new_id()}", json={"text": "x"}).status_code == 404
    for ids in (None, [], "x", [3]):
        assert http.post(f"{P}/{what}/comments/delete", json={"ids": ids}).status_code == 400, ids


def test_the_page_shows_a_traces_comments_with_its_spans(http: httpx2.Client, stored) -> None:
    on_trace = http.post(C, json={"trace_id": stored["traces"], "text": "odd", "author": "ada"}).json()
    on_span = http.post(C, json={"span_id": stored["spans"], "text": "slow"}).json()
    on_thread = http.post(C, json={"thread_id": "th", "project": "p", "text": "long"}).json()
    assert (on_trace["project"], on_trace["author"], on_span["project"]) == ("p", "ada", "p")
    assert http.get(C, params={"trace_id": stored["traces"]}).json() == [on_trace, on_span]
    assert http.get(C, params={"span_id": stored["spans"]}).json() == [on_span]
    assert http.get(C, params={"thread_id": "th", "project": "p"}).json() == [on_thread]
    assert http.get(C, params={"thread_id": "th", "project": "other"}).json() == []
    edited = http.patch(f"{C}/{on_span['id']}", json={"text": "slow, but right"}).json()
    assert edited == {**on_span, "text": "slow, but right", "updated_us": edited["updated_us"]}
    assert http.delete(f"{C}/{on_trace['id']}").status_code == 204
    assert http.get(C, params={"trace_id": stored["traces"]}).json() == [edited]
    for url, sent in (
        (C, {"text": "x"}),
        (C, {"text": "x", "trace_id": "a", "span_id": "b"}),
        (C, {"text": "x", "thread_id": "t"}),
    ):
        assert http.post(url, json=sent).status_code == 400, sent
    assert http.get(C).status_code == 400
    assert http.delete(f"{C}/{on_trace['id']}").status_code == 404
    assert http.post(C, json={"trace_id": new_id(), "text": "x"}).status_code == 404


def test_comments_go_with_their_trace_and_their_project(http: httpx2.Client, store: Store, stored) -> None:
    for body in ({"trace_id": stored["traces"]}, {"span_id": stored["spans"]}, {"thread_id": "th", "project": "p"}):
        assert http.post(C, json={**body, "text": "canary"}).status_code == 201
    http.delete(f"/api/v1/traces/{stored['traces']}")
    with store.read() as reader:
        assert reader.comments("span", stored["spans"]) == reader.comments("trace", stored["traces"]) == []
        assert len(reader.comments("thread", "th")) == 1
    while not store.write(lambda writer: writer.drop_project("p", 100)):
        pass
    with store.read() as reader:
        assert reader.comments("thread", "th") == []


def test_a_comment_told_again_in_any_order_is_the_newest(http: httpx2.Client, store: Store, ingest) -> None:
    one = span()
    said = {
        "k": "comment",
        "id": new_id(),
        "ver": 5,
        "ts_us": 5,
        "project": "Default Project",
        "trace_id": one["trace_id"],
    }
    new, old = {**said, "ver": 9, "text": "new", "author": "ada"}, {**said, "text": "old"}
    ingest(one, new, old, new)
    with store.read() as reader:
        [found] = reader.comments("trace", one["trace_id"])
        records = [record for record in reader.records(one["trace_id"]) if record["k"] == "comment"]
    assert (found["text"], found["author"], found["ts_us"], found["updated_us"]) == ("new", "ada", 5, 9)
    assert records == [{**new}]
