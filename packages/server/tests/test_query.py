"""The filter language: what a query finds, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trailmark_server.query import AllOf, QueryError, parse

from .conftest import START, new_id, span

Ingest = Callable[..., httpx2.Response]
PROJECT = "Default Project"
NOW = 1_800_000_000


@pytest.fixture
def filled(ingest: Ingest) -> None:
    """Three traces: a good one with a tool and a model, a slow failed one, an old plain one."""
    good, bad = span(
        name="answer", input={"q": "Paris?"}, metadata={"tier": "pro", "deep": {"n": 3}, "beta": True},
        trace={"tags": ["chat", "paris"], "user_id": "ada", "thread_id": "t-1", "environment": "prod",
               "metadata": {"version": "1.2"}, "scores": [{"name": "quality", "value": 0.9}, {"name": "verdict", "value": None, "label": "good"}]},
    ), span(name="refund", status="error", end_us=START + 5_000_000, error={"type": "ValueError", "message": "no refund", "traceback": None},
            trace={"user_id": "bob", "scores": [{"name": "quality", "value": 0.2}]})  # fmt: skip
    child = {"trace_id": good["trace_id"], "parent_id": good["id"]}
    ingest(
        good, bad, span(name="plain", start_us=START - 86_400_000_000, end_us=START - 86_399_999_000),
        span(name="web_search", type="tool", **child, end_us=START + 7_000_000),
        span(name="llm", type="llm", model="claude-opus", provider="anthropic", usage={"input": 900, "output": 200},
             total_cost=0.02, first_token_us=START + 400_000, tags=["big"], **child),
    )  # fmt: skip


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "answer refund plain"), ("status:error", "refund"), ("-status:error", "answer plain"),
        ("NOT status:error name:answer", "answer"), ("status:(error,cancelled)", "refund"), ("name!=plain", "answer refund"),
        ("duration>2s", "refund"), ("duration<=1ms", "answer plain"), ("duration:1s..10s", "refund"),
        ("model:claude*", "answer"), ("model~OPUS", "answer"), ("provider:anthropic", "answer"), ("model:*", "answer"),
        ("tag:chat", "answer"), ("-tag:chat", "refund plain"), ("tag:(x,paris)", "answer"), ("tag:*", "answer"),
        ("user:ada OR user:bob", "answer refund"), ("session:t-1", "answer"), ("env:prod", "answer"),
        ("kind:tool", "answer"), ("tokens>1k", "answer"), ("tokens.in:900", "answer"), ("cost>0.01", "answer"),
        ("spans>1", "answer"), ("error>0", "refund"), ("error.type:ValueError", "refund"), ("ttft<500ms kind:llm", "answer"),
        ("score.quality<0.7", "refund"), ("score.quality:*", "answer refund"), ("score.verdict:good", "answer"),
        ("-score.quality:*", "plain"), ('score."quality">0.5', "answer"), ("-scored.quality:*", "answer refund plain"), ("has:feedback", "answer refund"), ("has:error", "refund"), ("has:image", ""),
        ("metadata.tier:(pro,team)", "answer"), ("metadata.deep.n>2", "answer"), ("metadata.beta:true", "answer"),
        ("version:1.2", "answer"), ("metadata.none:*", ""),
        ("any(kind:tool name:web_search duration>5s)", "answer"), ("any(kind:llm name:web_search)", ""),
        ("kind:llm name:answer", "answer"), ("paris", "answer"), ('"refund"', "refund"), ("web_search", "answer"),
        ("(paris OR refund) status:ok", "answer"), ("name:answer AND status:ok", "answer"),
        ("100%_", ""), ("https://example", ""), ("'; DROP TABLE traces; --", ""), ("-", ""),
    ],
)  # fmt: skip
def test_a_query_finds(http: httpx2.Client, query: str, names: str) -> None:
    answer = http.get("/api/v1/search/traces", params={"project": PROJECT, "q": query})
    assert answer.status_code == 200, answer.text
    assert {item["name"] for item in answer.json()["items"]} == set(names.split())


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("kind:(tool,llm)", "web_search llm"), ("tag:big", "llm"), ("user:ada -kind:general", "web_search llm"),
        ("metadata.tier:pro", "answer"), ("status:error", "refund"), ("has:error", "refund"), ("spans>1 kind:tool", "web_search"),
        ("ttft>0.1s", "llm"), ("any(kind:llm)", "llm"), ("-user:ada", "refund plain"),
    ],
)  # fmt: skip
def test_a_query_finds_spans(http: httpx2.Client, query: str, names: str) -> None:
    answer = http.get("/api/v1/search/spans", params={"project": PROJECT, "q": query})
    assert {item["name"] for item in answer.json()["items"]} == set(names.split())


def test_ids_find_their_trace_and_span(http: httpx2.Client, ingest: Ingest) -> None:
    one = span(name="one")
    ingest(one, span(name="two"))
    for kind, query in (
        ("traces", f"id:{one['trace_id']}"),
        ("spans", f"id:{one['id']}"),
        ("spans", f"trace:{one['trace_id']}"),
    ):
        found = http.get(f"/api/v1/search/{kind}", params={"project": PROJECT, "q": query}).json()["items"]
        assert [item["name"] for item in found] == ["one"]


def test_pages_of_spans_give_each_span_once(http: httpx2.Client, ingest: Ingest) -> None:
    ingest(*(span(name=f"s{n}", start_us=START + n // 3) for n in range(25)))
    seen: list[str] = []
    more: dict[str, Any] = {}
    while True:
        page = http.get("/api/v1/search/spans", params={"project": PROJECT, "limit": 7, **more}).json()
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        more = {"cursor": page["next"]}
    assert sorted(seen) == sorted(f"s{n}" for n in range(25))


@pytest.mark.parametrize(
    ("query", "place", "message"),
    [
        ("duration>fast", (9, 13), "duration takes a number"),
        ("status:ok start>soon", (16, 20), "soon is no time"),
        ("nonsense>3", (0, 8), "unknown field nonsense"),
        ("(status:ok", (0, 10), '")" is missing'),
        ("status:ok)", (9, 10), '")" without "("'),
        ("name>(a,b)", (5, 10), "> takes one value"),
        ("name:(a", (5, 8), "a choice is (a,b)"),
        ("has:video", (4, 9), "has:video is not known"),
        ("name:", (5, 6), "name: has no value"),
        ("NOT (", (4, 5), '")" is missing'),
    ],
)
def test_an_error_says_where_and_what_is_expected(
    http: httpx2.Client, query: str, place: tuple[int, int], message: str
) -> None:
    answer = http.get("/api/v1/search/traces", params={"project": PROJECT, "q": query})
    problem = answer.json()
    assert answer.status_code == 400
    assert message in problem["detail"]
    assert (problem["start"], problem["end"]) == place


def test_times_count_from_now() -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    for text, wanted in (("-24h", NOW - 86400), ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC).timestamp())):
        node = parse(f"start>{text}", now)
        assert node.values == (wanted,)  # type: ignore[union-attr]
    assert parse("start>-7d", now).values == ((now - timedelta(days=7)).timestamp(),)  # type: ignore[union-attr]


@given(st.text(max_size=60) | st.text(alphabet='()"-:<>=~*., aORNT%', max_size=40))
def test_any_text_is_a_query_or_an_error_with_a_place(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        assert 0 <= error.start < error.end <= len(text) + 1
    else:
        assert parse("") == AllOf(())


def test_deleted_is_gone_and_stays_gone(http: httpx2.Client, ingest: Ingest) -> None:
    one, other = span(name="one", trace={"scores": [{"name": "q", "value": 1}]}), span(name="other")
    ingest(one, other)
    url = f"/api/v1/traces/{one['trace_id']}"
    assert http.delete(url).json() == {"deleted": True}
    ingest({**one, "ver": 9})
    assert http.get(url).status_code == 404
    assert http.get(f"/api/v1/spans/{one['id']}").status_code == 404
    assert http.delete(url).status_code == 404
    assert http.get(f"/api/v1/spans/{other['id']}").json()["name"] == "other"


def patch(target: str, id: str, changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"k": "patch", "id": new_id(), "ver": START, "project": PROJECT, target: id, "changes": changes, **more}


@pytest.mark.parametrize("first", ["record", "patch"])
def test_a_patch_changes_what_was_recorded_elsewhere_in_any_order(
    http: httpx2.Client, ingest: Ingest, first: str
) -> None:
    record = span(metadata={"a": 1}, tags=["x"], trace={"tags": ["t"], "metadata": {"m": 1}})
    edits = [
        patch("span_id", record["id"], {"metadata": {"b": 2}, "tags": ["x", "y"], "total_cost": 0.5}),
        patch("trace_id", record["trace_id"], {"user_id": "ada", "tags": ["u"], "output": {"late": True}}),
    ]
    for batch in ([record], edits) if first == "record" else (edits, [record]):
        assert ingest(*batch).status_code == 200
    ingest(*edits)  # sent again: nothing changes
    got = http.get(f"/api/v1/spans/{record['id']}").json()
    assert (got["metadata"], got["tags"], got["cost"]) == ({"a": 1, "b": 2}, ["x", "y"], 0.5)
    trace = http.get(f"/api/v1/traces/{record['trace_id']}").json()["trace"]
    assert (trace["user"], trace["tags"], trace["output"], trace["metadata"]) == (
        "ada",
        ["t", "u"],
        {"late": True},
        {"m": 1},
    )


@pytest.mark.parametrize("bad", [{}, {"span_id": "x"}, {"span_id": new_id(), "changes": {"no": 1}}])
def test_a_patch_that_says_no_target_or_an_unknown_field_is_named(ingest: Ingest, bad: dict[str, Any]) -> None:
    record = {"k": "patch", "id": new_id(), "ver": 1, "project": PROJECT, "changes": {"name": "n"}, **bad}
    answer = ingest(record, span())
    assert answer.json()["rejected"][0]["index"] == 0


def test_scores_are_found_by_the_person_who_gave_them_whatever_they_are_called(
    http: httpx2.Client, ingest: Ingest
) -> None:
    ada, bob = span(name="adas"), span(name="bobs")
    at = {"k": "score", "ver": START, "ts_us": START, "project": PROJECT, "source": "ui", "value": 1}
    for record, author in ((ada, "Ada L"), (bob, "")):
        ingest(record, {**at, "trace_id": record["trace_id"], "name": 'very "good"', "author": author})
    ingest({**at, "trace_id": bob["trace_id"], "name": "plain", "author": "ada l", "source": "sdk"})

    def found(query: str) -> list[str]:
        rows = http.get(f"/api/v1/projects/{PROJECT}/traces", params={"q": query}).json()["rows"]
        return sorted(row["name"] for row in rows)

    name = '"very \\"good\\""'
    assert found(f'scored.{name}:"ada l"') == ["adas"]
    assert found(f'scored.{name}:""') == ["bobs"]
    assert found(f"scored.{name}:*") == found(f"score.{name}:1") == ["adas", "bobs"]
    assert found("scored.plain:*") == []  # no person gave it
