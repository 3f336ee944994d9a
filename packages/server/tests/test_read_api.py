"""Every route the page asks: what it answers, and how it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest
from trailmark_server.retention import keep
from trailmark_server.store import Store

from .conftest import START, new_id, span

Ingest = Callable[..., httpx2.Response]
P = "/api/v1/projects/Default%20Project"
LIST = f"{P}/traces"


def ids(page: httpx2.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return [row["name"] for row in page.json()["rows"]]


def walked(http: httpx2.Client, url: str, **params: Any) -> list[str]:
    """All names, page by page."""
    names: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = http.get(url, params={"limit": 3, **params, **cursor})
        names += ids(page)
        if page.json()["next"] is None:
            return names
        cursor = {"cursor": page.json()["next"]}


@pytest.fixture
def eight(ingest: Ingest) -> None:
    ingest(*(
        span(name=f"t{n}", start_us=START + n * 1_000_000, end_us=START + n * 1_000_000 + (7 - n) * 1000 + 5,
             type="llm", model="m", usage={"input": n * 10, "output": 1}, total_cost=None if n == 3 else n / 100)
        for n in range(8)
    ))  # fmt: skip


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("-start", "t7 t6 t5 t4 t3 t2 t1 t0"), ("start", "t0 t1 t2 t3 t4 t5 t6 t7"),
        ("-duration", "t0 t1 t2 t3 t4 t5 t6 t7"), ("-cost", "t7 t6 t5 t4 t2 t1 t0 t3"),
        ("tokens", "t0 t1 t2 t3 t4 t5 t6 t7"),
    ],
)  # fmt: skip
def test_pages_are_in_order_of_what_an_index_holds(http: httpx2.Client, sort: str, names: str) -> None:
    assert walked(http, LIST, sort=sort) == names.split()


@pytest.mark.usefixtures("eight")
def test_another_order_is_refused_with_the_reason(http: httpx2.Client) -> None:
    for sort, told in (("name", "no index holds its order"), ("x'; DROP", "allowed: start, duration, cost, tokens")):
        answer = http.get(LIST, params={"sort": sort})
        assert answer.status_code == 400
        assert told in answer.json()["detail"]


@pytest.mark.usefixtures("eight")
def test_a_cursor_of_another_order_is_refused(http: httpx2.Client) -> None:
    cursor = http.get(LIST, params={"limit": 2}).json()["next"]
    for wrong in (cursor[:-3], "x", ""):
        if wrong:
            assert http.get(LIST, params={"cursor": wrong}).status_code == 400
    assert http.get(LIST, params={"cursor": cursor, "sort": "-cost"}).status_code == 400


@pytest.mark.usefixtures("eight")
def test_times_bound_the_list(http: httpx2.Client) -> None:
    two = {"from": START + 2_000_000, "to": START + 4_000_000}
    assert walked(http, LIST, **two) == ["t3", "t2"]
    assert walked(http, LIST, **{"from": "2027-01-15T08:00:06Z"}) == ["t7", "t6"]
    assert http.get(f"{LIST}/count", params=two).json() == {"estimate": 2, "exact": True}
    assert http.get(f"{LIST}/count", params={"q": "name:t5"}).json() == {"estimate": 1, "exact": True}
    for wrong in ({"from": "yesterday"}, {"from": 5, "to": 5}, {"to": "-9z"}, {"from": "9" * 400}):
        assert http.get(LIST, params=wrong).status_code == 400, wrong


def test_extra_columns_are_on_the_row(http: httpx2.Client, ingest: Ingest) -> None:
    ingest(
        span(metadata={"tier": "pro", "a": {"b": 3}}, first_token_us=START + 400,
             trace={"environment": "prod", "metadata": {"version": "1.2"}}), span(start_us=START - 9),
    )  # fmt: skip
    rows = http.get(LIST, params={"fields": "metadata.tier,metadata.a.b,env,version,ttft,score.x"}).json()["rows"]
    assert rows[0]["fields"] == {
        "metadata.tier": "pro",
        "metadata.a.b": 3,
        "env": "prod",
        "version": "1.2",
        "ttft": 400,
    }
    assert set(rows[1]["fields"].values()) == {None}
    assert http.get(LIST, params={"fields": "input"}).status_code == 400


def test_what_left_the_list_is_told_too(http: httpx2.Client, ingest: Ingest) -> None:
    good, other = span(name="good", status="running", end_us=None, ver=1), span(name="other")
    ingest(good, other)
    seq = http.get(LIST).json()["seq"]
    http.delete(f"/api/v1/traces/{other['trace_id']}")
    ingest({**good, "status": "ok", "end_us": START + 5, "ver": 2})
    delta = http.get(f"{LIST}/delta", params={"since": seq, "q": "status:running"}).json()
    assert delta["upserts"] == []
    assert set(delta["deleted"]) == {good["trace_id"], other["trace_id"]}
    assert http.get(f"{LIST}/delta", params={"since": delta["seq"]}).json()["deleted"] == []


def test_answers_have_a_tag_and_are_not_sent_twice(http: httpx2.Client, ingest: Ingest) -> None:
    one = span()
    ingest(one)
    for url in (LIST, f"{LIST}/delta", f"/api/v1/traces/{one['trace_id']}", "/api/v1/projects", f"{P}/fields"):
        first = http.get(url)
        again = http.get(url, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), url
    tag = http.get(f"/api/v1/traces/{one['trace_id']}").headers["etag"]
    ingest(span(trace_id=one["trace_id"], parent_id=one["id"]))
    assert http.get(f"/api/v1/traces/{one['trace_id']}", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.usefixtures("eight")
def test_a_histogram_counts_every_trace_once(http: httpx2.Client, ingest: Ingest) -> None:
    ingest(span(name="bad", status="error", start_us=START + 7_500_000, end_us=START + 7_500_001))
    found = http.get(f"{P}/histogram", params={"buckets": 5}).json()
    assert (sum(found["n"]), sum(found["err"]), found["t0"]) == (9, 1, START)
    assert len(found["n"]) == len(found["err"]) <= 5
    empty = http.get("/api/v1/projects/none/histogram").json()
    assert sum(empty["n"]) == 0


@pytest.mark.usefixtures("eight")
def test_spans_are_listed_as_traces_are(http: httpx2.Client) -> None:
    assert walked(http, f"{P}/spans", q="kind:llm tokens>30") == ["t7", "t6", "t5", "t4", "t3"]
    assert http.get(f"{P}/spans", params={"sort": "-cost"}).status_code == 400


def deep(n: int) -> list[dict[str, Any]]:
    trace_id = new_id()
    spans = [span(trace_id=trace_id, name=f"s{i}", start_us=START + i) for i in range(n)]
    for child, parent in zip(spans[1:], spans, strict=False):
        child["parent_id"] = parent["id"]
    return spans


def test_a_skeleton_comes_in_pages_and_survives_odd_parents(http: httpx2.Client, ingest: Ingest) -> None:
    spans = deep(9)
    spans[0]["parent_id"] = spans[2]["id"]  # 0 → 2 → 1 → 0
    spans[5]["parent_id"] = new_id()
    spans[6]["parent_id"] = spans[6]["id"]
    ingest(*spans)
    url = f"/api/v1/traces/{spans[0]['trace_id']}"
    whole = http.get(url).json()
    parents = whole["cols"]["parent"]
    assert [n for n, parent in enumerate(parents) if parent == -1] == [whole["cols"]["flags"].index(2), 5, 6]
    assert whole["cols"]["flags"][5] == 1
    assert (parents[7], parents[8]) == (6, 7)
    first = http.get(url, params={"limit": 4}).json()
    rest = http.get(url, params={"limit": 5, "after": first["next"]}).json()
    assert {key: first["cols"][key] + rest["cols"][key] for key in whole["cols"]} == whole["cols"]
    assert (first["total"], rest["next"]) == (9, None)
    same = http.get(url, params={"since": whole["seq"]}).json()
    assert same["unchanged"]
    assert same["cols"]["id"] == []


@pytest.mark.usefixtures("eight")
def test_spans_are_counted_drawn_over_time_and_exported_by_the_same_query(http: httpx2.Client, ingest: Ingest) -> None:
    trace = deep(3)
    trace[2] |= {"start_us": START + 60_000_000, "end_us": START + 61_000_000, "status": "error",
                 "error": {"type": "ValueError", "message": "no", "traceback": ""}, "metadata": {"tier": "pro"}, "tags": ["late"]}  # fmt: skip
    fit = {"k": "score", "ver": 1, "ts_us": START, "span_id": trace[2]["id"], "name": "fit", "value": 1,
           "project": "Default Project"}  # fmt: skip
    told = ingest(*trace, fit)
    assert told.json()["rejected"] == []

    found = http.get(f"{P}/spans", params={"q": "tag:late", "fields": "metadata.tier,score.fit"}).json()
    assert [row["fields"] for row in found["rows"]] == [{"metadata.tier": "pro"}]
    assert found["rows"][0]["scores"]["fit"]["value"] == 1
    assert http.get(f"{P}/spans", params={"fields": "ttft"}).status_code == 400
    assert http.get(f"{P}/spans/count").json() == {"estimate": 11, "exact": True}
    assert http.get(f"{P}/spans/count", params={"q": "kind:llm tokens>30"}).json() == {"estimate": 5, "exact": True}
    drawn = http.get(f"{P}/histogram", params={"of": "spans", "buckets": 4}).json()
    assert (sum(drawn["n"]), sum(drawn["err"]), drawn["err"][-1]) == (11, 1, 1)
    lines = http.get(f"{P}/export", params={"of": "spans", "q": "name:s2"}).text.splitlines()
    [record] = [orjson.loads(line) for line in lines]
    assert (record["k"], record["id"], record["metadata"]) == ("span", trace[2]["id"], {"tier": "pro"})
    assert ingest(record).json() == {"accepted": 1, "rejected": []}


def test_compact_ids_name_their_spans(http: httpx2.Client, ingest: Ingest) -> None:
    spans = deep(3)
    ingest(*spans)
    url = f"/api/v1/traces/{spans[0]['trace_id']}"
    cols = http.get(url, params={"compact": "true"}).json()["cols"]
    assert [http.get(f"{url}/spans/{id}").json()["name"] for id in cols["id"]] == ["s0", "s1", "s2"]
    assert cols["start_us"] == [START, 1, 1]
    for wrong in ("0000", "zz", "0", new_id()):
        assert http.get(f"{url}/spans/{wrong}").status_code == 404


def test_text_is_found_inside_a_trace(http: httpx2.Client, ingest: Ingest) -> None:
    spans = deep(4)
    spans[1]["input"] = {"text": 'Say "Zürich"\nplease'}
    spans[2]["metadata"] = {"deep": {"x": "ZÜRICH"}}
    ingest(*spans)
    url = f"/api/v1/traces/{spans[0]['trace_id']}/search"
    assert http.get(url, params={"q": "zürich"}).json() == {"rows": [1, 2], "truncated": False}
    assert http.get(url, params={"q": '"zürich"\nplease'}).json()["rows"] == [1]
    assert http.get(url, params={"q": "s3"}).json()["rows"] == [3]
    assert http.get(url, params={"q": ""}).status_code == 422


def test_threads_are_paged_and_read_in_order(http: httpx2.Client, ingest: Ingest) -> None:
    for n in range(6):
        ingest(span(name=f"turn{n}", start_us=START + n, input={"q": f"in{n}"}, output="x" * 3000,
                    trace={"thread_id": f"a/{n % 3}"}))  # fmt: skip
    first = http.get(f"{P}/threads", params={"limit": 2}).json()
    second = http.get(f"{P}/threads", params={"limit": 2, "cursor": first["next"]}).json()
    assert [row["id"] for row in first["rows"] + second["rows"]] == ["a/2", "a/1", "a/0"]
    assert second["next"] is None
    http.post("/api/v1/scores", json={"thread_id": "a/1", "project": "Default Project", "name": "ok", "value": True})
    found = http.get("/api/v1/threads/a/1", params={"project": "Default Project", "max_bytes": 1024}).json()
    assert [turn["name"] for turn in found["turns"]] == ["turn1", "turn4"]
    assert found["turns"][0]["truncated"] == {"output": 3002}
    assert found["scores"][0]["value"] is True
    assert http.get("/api/v1/threads/none", params={"project": "Default Project"}).status_code == 404


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


def test_fields_and_values_are_suggested_with_counts(http: httpx2.Client, ingest: Ingest) -> None:
    for n in range(3):
        ingest(span(metadata={"tier": "pro" if n else "team", "n": {"x": n}}, type="llm", model="m1",
                    trace={"tags": ["a", f"t{n}"], "user_id": "ada", "scores": [{"name": "q", "value": n}]}))  # fmt: skip
    names = {f["name"]: f for f in http.get(f"{P}/fields").json()}
    assert names["metadata.tier"] == {"name": "metadata.tier", "type": "text", "n": 3}
    assert names["score.q"]["n"] == 3
    assert "metadata.n.x" in names
    assert {f["name"] for f in http.get(f"{P}/fields", params={"prefix": "tok"}).json()} == {
        "tokens",
        "tokens.in",
        "tokens.out",
    }

    def values(field: str, prefix: str = "") -> dict[str, int]:
        answer = http.get(f"{P}/values", params={"field": field, "prefix": prefix})
        return {v["value"]: v["n"] for v in answer.json()}

    assert values("tag") == {"a": 3, "t0": 1, "t1": 1, "t2": 1}
    assert values("tag", "T1") == {"t1": 1}
    assert values("metadata.tier") == {"pro": 2, "team": 1}
    assert values("model") == {"m1": 3}
    assert values("user") == {"ada": 3}
    assert values("score.q") == {"0": 1, "1": 1, "2": 1}
    assert set(values("has")) == {"error", "image", "audio", "feedback"}
    assert http.get(f"{P}/values", params={"field": "nothing"}).status_code == 400


def test_a_query_is_explained(http: httpx2.Client) -> None:
    good = http.post("/api/v1/query/parse", json={"q": "status:error -tag:x any(kind:tool)"}).json()
    assert good["ok"]
    assert good["ast"]["node"] == "AllOf"
    bad = http.post("/api/v1/query/parse", json={"q": "cost>much"}).json()
    assert not bad["ok"]
    assert bad["error"]["start"] == 5
    assert bad["error"]["expected"]


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


def test_compared_traces_are_aligned_level_by_level(http: httpx2.Client, ingest: Ingest) -> None:
    def tree(names: list[str], answer: str) -> str:
        root = span(name="root", type="agent")
        steps = [span(trace_id=root["trace_id"], parent_id=root["id"], name=name, start_us=START + 1 + n, input=1, output=answer)
                 for n, name in enumerate(names)]  # fmt: skip
        ingest(root, *steps)
        return str(root["trace_id"])

    a, b = tree(["plan", "search", "search", "write"], "x"), tree(["plan", "search", "check", "write"], "y")
    found = http.get("/api/v1/compare", params={"a": a, "b": b}).json()
    shown = [(row["a"], row["b"], row["parent"], row["state"], row["changed"]) for row in found["rows"]]
    assert shown == [
        (0, 0, -1, "same", []), (1, 1, 0, "changed", ["output"]), (2, 2, 0, "changed", ["output"]),
        (3, None, 0, "only_a", []), (None, 3, 0, "only_b", []), (4, 4, 0, "changed", ["output"]),
    ]  # fmt: skip
    assert found["totals"]["a"]["spans"] == 5
    same = http.get("/api/v1/compare", params={"a": a, "b": a}).json()
    assert {row["state"] for row in same["rows"]} == {"same"}
    assert http.get("/api/v1/compare", params={"a": a, "b": new_id()}).status_code == 404


def test_a_preview_is_a_sandbox(http: httpx2.Client, ingest: Ingest) -> None:
    one = span(output={"html": "<script>x</script>", "list": ["<svg/>"]})
    ingest(one)
    url = f"/api/v1/traces/{one['trace_id']}/spans/{one['id']}/preview"
    html = http.get(url, params={"path": "output.html"})
    assert html.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert html.headers["content-type"].startswith("text/html")
    assert http.get(url, params={"path": "output.list.0"}).headers["content-type"] == "image/svg+xml"
    for wrong in ("output", "id", "output.list.9", "output.html.x", "__class__"):
        assert http.get(url, params={"path": wrong}).status_code == 404


def test_meta_says_what_clients_dropped(http: httpx2.Client, ingest: Ingest) -> None:
    ingest(span(), headers={"x-trailmark-client": '{"client": "c1", "mode": "disk", "dropped": {"full": 3}}'})
    meta = http.get("/api/v1/meta").json()
    assert meta["clients"][0]["dropped"] == {"full": 3}
    assert meta["disk_bytes"] > 0
    assert meta["workspace"] == "default"


def test_the_openapi_document_is_complete(http: httpx2.Client) -> None:
    from trailmark_server.api.schema import document

    paths = document()["paths"]
    for path, ways in paths.items():
        for way, told in ways.items():
            answers = [a for code, a in told["responses"].items() if code.startswith("2") and code != "204"]
            assert all(a["content"] for a in answers), (way, path)
            schemas = [c.get("schema") for a in answers for c in a["content"].values()]
            assert schemas != [{}], f"{way} {path} says nothing of its answer"


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


def test_what_is_older_than_the_settings_say_is_deleted(http: httpx2.Client, ingest: Ingest, store: Store) -> None:
    day = 86_400_000_000
    for project in ("short", "long"):
        ingest(
            *(
                span(project=project, name=f"d{n}", start_us=START - n * day - 9, end_us=START - n * day)
                for n in range(4)
            )
        )
    assert keep(store, START) == 0
    http.put("/api/v1/settings", json={"retention_days": 2, "retention_days_of": {"long": None}})
    assert keep(store, START) == 2
    counts = {project["name"]: project["traces"] for project in http.get("/api/v1/projects").json()}
    assert counts == {"short": 2, "long": 4}
