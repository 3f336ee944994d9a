"""The list, its pages and its live changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from .conftest import START, new_id, span

Ingest = Callable[..., httpx2.Response]
LIST = "/api/v1/projects/Default%20Project/traces"


def test_pages_are_stable_while_traces_arrive(http: httpx2.Client, ingest: Ingest) -> None:
    ingest(*(span(name=f"t{n}", start_us=START + n // 2) for n in range(25)))
    first = http.get(LIST, params={"limit": 10}).json()
    ingest(span(name="newer", start_us=START + 99))
    seen = [row["name"] for row in first["rows"]]
    cursor = first["next"]
    while cursor:
        page = http.get(LIST, params={"limit": 10, "cursor": cursor}).json()
        seen += [row["name"] for row in page["rows"]]
        cursor = page["next"]
    assert sorted(seen) == sorted(f"t{n}" for n in range(25))


def test_changes_are_told_once_in_order(http: httpx2.Client, ingest: Ingest) -> None:
    running = span(name="slow", status="running", ver=1, end_us=None)
    ingest(running, span(name="other"))
    seq = http.get(LIST).json()["seq"]
    assert http.get(f"{LIST}/delta", params={"since": seq}).json() == {
        "upserts": [],
        "deleted": [],
        "seq": seq,
        "more": False,
    }
    ingest({**running, "status": "ok", "ver": 2, "end_us": START + 500})
    delta = http.get(f"{LIST}/delta", params={"since": seq}).json()
    assert [(row["name"], row["dur_us"]) for row in delta["upserts"]] == [("slow", 500)]
    assert delta["seq"] > seq


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status:error", {"bad"}),
        ("tag:chat", {"good"}),
        ("name~GOO", {"good"}),
        ("paris", {"good"}),
        ("paris status:error", set()),
        ("", {"good", "bad"}),
        ("100%_", set()),
    ],
)
def test_a_query_narrows_the_list(http: httpx2.Client, ingest: Ingest, query: str, names: set[str]) -> None:
    ingest(span(name="good", input={"q": "Paris?"}, trace={"tags": ["chat"]}), span(name="bad", status="error"))
    assert {row["name"] for row in http.get(LIST, params={"q": query}).json()["rows"]} == names


def test_projects_have_any_name(http: httpx2.Client, ingest: Ingest) -> None:
    for name in ("a/b", "ä ö", "50%", "delta"):
        ingest(span(project=name, name=name))
        quoted = httpx2.URL("http://x").copy_with(path=f"/{name}").raw_path.decode()[1:].replace("/", "%2F")
        assert [row["name"] for row in http.get(f"/api/v1/projects/{quoted}/traces").json()["rows"]] == [name]
    assert {project["name"] for project in http.get("/api/v1/projects").json()} == {"a/b", "ä ö", "50%", "delta"}


def test_previews_show_what_was_said(http: httpx2.Client, ingest: Ingest) -> None:
    chat = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}]}
    answer = {"choices": [{"message": {"role": "assistant", "content": "Because."}}]}
    ingest(span(input=chat, output=answer), span(name="long", input={"text": "x" * 1000}, output=[1, 2]))
    rows = {row["name"]: (row["in"], row["out"]) for row in http.get(LIST).json()["rows"]}
    assert rows["work"] == ("Why?", "Because.")
    assert len(rows["long"][0]) == 200
    assert rows["long"][1] == "[1,2]"


def test_a_large_value_is_cut_and_says_its_size(http: httpx2.Client, ingest: Ingest) -> None:
    record = span(input="é" * 10_000)
    ingest(record)
    path = f"/api/v1/traces/{record['trace_id']}/spans/{record['id']}"
    cut = http.get(path, params={"max_bytes": 1024}).json()
    assert cut["truncated"] == {"input": 20_002}
    assert len(cut["input"].encode()) <= 1024
    assert http.get(path).json()["input"] == record["input"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/v1/traces/{new_id()}", 404),
        ("/api/v1/traces/nope", 404),
        (f"{LIST}?cursor=x", 400),
        (f"{LIST}?limit=501", 422),
        ("/api/v1/nothing", 404),
    ],
)
def test_errors_are_problem_documents(http: httpx2.Client, path: str, status: int) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["detail"]
