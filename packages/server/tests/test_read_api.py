"""Every route the page reads: what it answers, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest

from .conftest import START, new_id, span, walked

Ingest = Callable[..., httpx2.Response]
P = "/api/v1/projects/Default%20Project"
LIST = f"{P}/traces"


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
    ingest(span(trace={"metadata": {"tier": "pro"}}))
    came = http.get(f"{LIST}/delta", params={"since": delta["seq"], "fields": "metadata.tier"}).json()["upserts"]
    assert [row["fields"] for row in came] == [{"metadata.tier": "pro"}]


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
