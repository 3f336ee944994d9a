"""Hostile and broken input, case by case: what is bad is named and refused, its neighbours are stored, nothing is a 500."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest
from trailmark_server.api.bodies import MAX_BODY
from trailmark_server.api.opik_views import span_view, trace_view
from trailmark_server.store import Store

from .conftest import new_id, span

P = "/api/v1/private"
TIME = "2026-01-01T12:00:00.000000Z"
JSON_ROUTES = (
    ("POST", f"{P}/traces/batch"),
    ("POST", f"{P}/spans/batch"),
    ("POST", f"{P}/traces"),
    ("POST", f"{P}/spans"),
    ("PATCH", f"{P}/traces/{new_id()}"),
    ("PATCH", f"{P}/spans/{new_id()}"),
    ("PUT", f"{P}/traces/feedback-scores"),
    ("PUT", f"{P}/spans/feedback-scores"),
    ("PUT", f"{P}/traces/threads/feedback-scores"),
    ("POST", f"{P}/traces/search"),
    ("POST", f"{P}/traces/{new_id()}/feedback-scores/delete"),
    ("POST", f"{P}/projects/retrieve"),
    ("POST", f"{P}/attachment/upload-start"),
    ("POST", "/v1/traces"),
)
TYPES = (
    None, True, False, 0, -1, 1, 2**63, -(2**63) - 1, 10**30, 0.5, -1e308, "", "x", "\x00", [], [None], {}, {"a": 1},
)  # fmt: skip


@pytest.fixture(autouse=True)
def alive(http: httpx2.Client) -> Iterator[None]:
    """After every case the server takes a record and gives it back."""
    yield
    canary = span()
    assert http.post("/api/v1/ingest", json=canary).json() == {"accepted": 1, "rejected": []}
    assert http.get(f"/api/v1/traces/{canary['trace_id']}").status_code == 200


def trace(**fields: Any) -> dict[str, Any]:
    return {"id": new_id(), "name": "t", "start_time": TIME, "project_name": "p"} | fields


def call(**fields: Any) -> dict[str, Any]:
    return trace(**{"trace_id": new_id(), "type": "llm"} | fields)


def stored(http: httpx2.Client, kind: str, id: str) -> bool:
    return http.get(f"{P}/{kind}/{id}").status_code == 200


# I01: bodies that are no JSON object


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b'"x"', b'{"traces": [', b"{} {}", b"\xef\xbb\xbf{}", '{"traces":[]}'.encode("utf-16"),
        b'{"name": "\xff"}', b"{/* */}", b"NaN", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000,
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_a_body_that_is_no_object_is_refused(http: httpx2.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for method, route in JSON_ROUTES:
        answer = http.request(method, route, content=body, headers=headers)
        assert answer.status_code < 500, (method, route, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        elif body != b"{}":
            pytest.fail(f"{method} {route} took {body[:20]!r}")
    assert http.post("/api/v1/ingest", content=body).status_code in (200, 400)


def test_the_last_of_equal_keys_counts(http: httpx2.Client) -> None:
    whole = trace()
    body = orjson.dumps(whole).replace(b'"name":"t"', b'"name":"t","name":"u"')
    assert http.post(f"{P}/traces", content=body).status_code == 201
    assert http.get(f"{P}/traces/{whole['id']}").json()["name"] == "u"


# I02: every field with every type


FIELDS = {
    "traces": (*trace(), "end_time", "input", "output", "metadata", "tags", "error_info", "thread_id", "environment",
               "last_updated_at"),
    "spans": (*call(), "end_time", "input", "output", "metadata", "tags", "error_info", "parent_span_id", "model",
              "provider", "usage", "total_estimated_cost", "last_updated_at"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_of_any_type_is_taken_or_named_and_neighbours_are_stored(
    http: httpx2.Client, store: Store, kind: str
) -> None:
    make = trace if kind == "traces" else call
    odd = [(field, make(**{field: value})) for field in FIELDS[kind] for value in TYPES]
    good = [make() for _ in odd]
    items = [item for (_, one), other in zip(odd, good, strict=True) for item in (one, other)]
    answer = http.post(f"{P}/{kind}/batch", content=json.dumps({kind: items}))
    assert answer.status_code == 400, answer.text
    rejected = {one["index"]: one["field"].split(".")[0] for one in answer.json()["rejected"]}
    assert not any(index % 2 for index in rejected)
    for index, field in rejected.items():
        assert field == odd[index // 2][0], items[index]
    with store.read() as reader:
        view = trace_view if kind == "traces" else span_view
        for n, ((field, one), other) in enumerate(zip(odd, good, strict=True)):
            assert view(reader, other["id"])
            assert 2 * n in rejected or field == "id" or orjson.dumps(view(reader, one["id"])), one


NATIVE = (*span(), "input", "output", "metadata", "tags", "error", "scores", "first_token_us", "model", "provider", "usage",
          "usage_raw", "total_cost", "trace")  # fmt: skip


def test_a_native_field_of_any_type_is_taken_or_named(store: Store, ingest: Callable[..., httpx2.Response]) -> None:
    odd = [(field, span(**{field: value})) for field in NATIVE for value in TYPES]
    good = [span() for _ in odd]
    items = [item for (_, one), other in zip(odd, good, strict=True) for item in (one, other)]
    answer = ingest(*(json.dumps(item).encode() for item in items))
    assert answer.status_code == 207, answer.text
    rejected = {one["index"]: one["field"].split(".")[0] for one in answer.json()["rejected"]}
    for index, field in rejected.items():
        assert not index % 2
        assert field in (odd[index // 2][0], "record"), odd[index // 2]
    with store.read() as reader:
        for n, ((field, one), other) in enumerate(zip(odd, good, strict=True)):
            assert reader.trace(other["trace_id"])
            if 2 * n not in rejected and field not in ("k", "id", "trace_id"):
                assert orjson.dumps(reader.trace(one["trace_id"]))
                assert orjson.dumps(reader.span(one["trace_id"], one["id"]))


def test_a_score_of_any_type_is_taken_or_named(http: httpx2.Client) -> None:
    whole = trace()
    http.post(f"{P}/traces", json=whole)
    shared = {"id": whole["id"], "value": 1, "source": "sdk"}
    fields = ("id", "name", "value", "category_name", "reason", "source", "author", "project_name")
    odd = [(field, {**shared, "name": f"odd {field} {n}", field: v}) for field in fields for n, v in enumerate(TYPES)]
    good = [{**shared, "name": f"good {n}"} for n in range(len(odd))]
    body = {"scores": [score for (_, one), other in zip(odd, good, strict=True) for score in (one, other)]}
    answer = http.put(f"{P}/traces/feedback-scores", content=json.dumps(body))
    assert answer.status_code == 400, answer.text
    for one in answer.json()["rejected"]:
        assert not one["index"] % 2
        assert one["field"].split(".")[0].removeprefix("trace_") == odd[one["index"] // 2][0]
    names = {score["name"] for score in http.get(f"{P}/traces/{whole['id']}").json()["feedback_scores"]}
    assert {score["name"] for score in good} <= names


@pytest.mark.parametrize("kind", ["traces", "spans"])
def test_a_change_of_any_type_is_taken_or_named(http: httpx2.Client, kind: str) -> None:
    whole = trace() if kind == "traces" else call()
    http.post(f"{P}/{kind}", json=whole)
    for field in FIELDS[kind]:
        for value in (10**30, "\x00", {"a": 1}):
            answer = http.patch(f"{P}/{kind}/{whole['id']}", content=json.dumps({field: value}))
            assert answer.status_code in (204, 400), (field, value, answer.text)
            assert stored(http, kind, whole["id"]), (field, value)


# I03: ids


@pytest.mark.parametrize(
    "id", ["nope", "", "0" * 31, "{0189}", "x" * 10_000_000, "\ud83e", "../../etc", None, 7], ids=lambda given: f"{given!r:.12}"
)  # fmt: skip
def test_what_is_no_id_is_refused(http: httpx2.Client, id: Any) -> None:
    good = trace()
    answer = http.post(f"{P}/traces/batch", content=json.dumps({"traces": [trace(id=id), good]}))
    assert answer.status_code == 400
    assert len(answer.content) < 2000
    assert answer.json()["detail"].startswith("traces[0].id")
    assert stored(http, "traces", good["id"])


@pytest.mark.parametrize("spelled", [str.upper, lambda given: given.replace("-", "")])
def test_other_spellings_of_an_id_mean_the_same(http: httpx2.Client, spelled: Callable[[str], str]) -> None:
    whole = trace()
    assert http.post(f"{P}/traces", json={**whole, "id": spelled(whole["id"])}).status_code == 201
    assert stored(http, "traces", whole["id"])


@pytest.mark.parametrize("path", ["nope", "%00", "x" * 5000, "..%2f..", "%ed%a0%80", "0" * 32])
def test_an_address_with_no_id_is_not_found(http: httpx2.Client, path: str) -> None:
    for kind in ("traces", "spans"):
        assert http.get(f"{P}/{kind}/{path}").status_code in (400, 404, 422)
        assert http.patch(f"{P}/{kind}/{path}", json={"name": "x"}).status_code in (204, 400, 404, 405, 422)


# I04, I05: lengths and encodings


def test_a_body_over_the_limit_is_refused_before_it_is_read(http: httpx2.Client) -> None:
    address = urlsplit(str(http.base_url))
    for length in (MAX_BODY + 1, 10**30):
        with socket.create_connection((address.hostname, address.port)) as connection:
            head = f"POST /api/v1/ingest HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {length}\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(100).split(b" ")[1] in (b"413", b"400")


@pytest.mark.parametrize(
    "head",
    ["Content-Length: -1", "Content-Length: x", "Content-Length: 3\r\nContent-Length: 4",
     "Content-Length: 3\r\nTransfer-Encoding: chunked"],
)  # fmt: skip
def test_a_length_that_lies_is_refused(http: httpx2.Client, head: str) -> None:
    address = urlsplit(str(http.base_url))
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.settimeout(5)
        connection.sendall(f"POST /api/v1/ingest HTTP/1.1\r\nHost: {address.netloc}\r\n{head}\r\n\r\nabcd".encode())
        assert connection.recv(100).split(b" ")[1] in (b"400", b"501")


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = bytes(1 << 20)
    return b"".join([*(packer.compress(zeros) for _ in range(size >> 20)), packer.flush()])


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (bomb(1 << 30), "gzip", 413),
        (gzip.compress(bomb(1 << 28)), "gzip", 400),  # packed twice: the inner one is no record
        (gzip.compress(b"{}") * 1000, "gzip", 400),
        (gzip.compress(b"{}")[:-4], "gzip", 400),
        (b"no gzip", "gzip", 400),
        (b"{}", "br", 415),
        (b"{}", "zstd", 415),
        (b"{}", "gzip, gzip", 415),
    ],
    ids=["bomb", "nested", "members", "cut", "plain", "br", "zstd", "twice"],
)
def test_an_encoding_is_bounded_and_checked(http: httpx2.Client, body: bytes, encoding: str, status: int) -> None:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    assert http.post("/api/v1/ingest", content=body, headers=headers).status_code == status
    assert http.post(f"{P}/traces/batch", content=body, headers=headers).status_code == status


def test_many_members_and_deflate_are_read_as_one_body(http: httpx2.Client) -> None:
    parts = [orjson.dumps(span()) + b"\n" for _ in range(3)]
    packed = b"".join(map(gzip.compress, parts))
    for body, encoding in ((packed, "gzip"), (zlib.compress(b"".join(parts)), "deflate")):
        answer = http.post("/api/v1/ingest", content=body, headers={"Content-Encoding": encoding})
        assert answer.json() == {"accepted": 3, "rejected": []}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_or_text_is_no_json(http: httpx2.Client, kind: str) -> None:
    for method, route in JSON_ROUTES:
        answer = http.request(method, route, content=orjson.dumps(trace()), headers={"Content-Type": kind})
        assert answer.status_code == 415, route


# I06, I07: deep, long and wide values


@pytest.mark.parametrize("depth", [100, 250, 500, 900])
def test_a_deep_value_never_costs_its_record(
    http: httpx2.Client, ingest: Callable[..., httpx2.Response], depth: int
) -> None:
    deep = "[" * depth + "]" * depth
    native, whole = span(), trace()
    ingest(orjson.dumps({**native, "input": 0}).replace(b'"input":0', f'"input":{deep}'.encode()))
    assert http.get(f"/api/v1/traces/{native['trace_id']}").status_code == 200
    body = orjson.dumps({"traces": [{**whole, "input": {"x": 0}}]}).replace(b'"x":0', f'"x":{deep}'.encode())
    assert http.post(f"{P}/traces/batch", content=body).status_code == 204
    assert http.get(f"{P}/traces/{whole['id']}").json()["input"] is not None


@pytest.mark.parametrize("digits", [20, 40, 400, 5000])
def test_a_huge_number_never_costs_its_record(
    http: httpx2.Client, ingest: Callable[..., httpx2.Response], digits: int
) -> None:
    number = "9" * digits
    native, whole = span(), trace()
    answer = ingest(orjson.dumps({**native, "input": 0}).replace(b'"input":0', f'"input":{number}'.encode()), span())
    assert answer.json()["accepted"] == (2 if digits <= 4300 else 1)
    body = orjson.dumps({"traces": [{**whole, "input": {"x": 0}}]}).replace(b'"x":0', f'"x":{number}'.encode())
    status = http.post(f"{P}/traces/batch", content=body).status_code
    assert status == (204 if digits <= 4300 else 400)
    if status == 204:
        assert http.get(f"{P}/traces/{whole['id']}").json()["input"]["x"] is not None


def test_wide_values_are_taken(http: httpx2.Client, ingest: Callable[..., httpx2.Response]) -> None:
    wide = span(
        metadata={f"k{n}": n for n in range(100_000)}, input=list(range(100_000)), tags=[f"t{n}" for n in range(1000)]
    )
    assert ingest(wide).json()["accepted"] == 1
    assert http.get(f"/api/v1/traces/{wide['trace_id']}").status_code == 200


def test_a_batch_has_at_most_so_many_items(http: httpx2.Client) -> None:
    assert http.post("/api/v1/ingest", content=b"x\n" * 50_001).status_code == 413
    assert http.post(f"{P}/traces/batch", json={"traces": [trace()] * 1001}).status_code == 400


# I10, I11, I12: foreign traces, odd times, odd texts


@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z", "2026-01-01T00:00:00",
     "2026-01-01T00:00:00+23:59", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z",
     "1e400", 1e308, 10**400, "-1"],
)  # fmt: skip
def test_odd_times_are_stored_or_named(http: httpx2.Client, time: Any) -> None:
    good = trace()
    for field in ("start_time", "end_time", "last_updated_at"):
        odd = trace(**{field: time})
        answer = http.post(f"{P}/traces/batch", content=json.dumps({"traces": [good, odd]}))
        assert answer.status_code in (204, 400)
        if answer.status_code == 400:
            assert answer.json()["detail"].startswith(f"traces[1].{field}") or answer.json()["detail"].startswith(
                "the body"
            )
        assert http.get(f"{P}/traces", params={"project_name": "p"}).status_code == 200
        assert http.get("/api/v1/projects/p/traces").status_code == 200


def test_an_end_before_its_start_is_stored_as_no_time_at_all(http: httpx2.Client) -> None:
    whole = trace(end_time="2025-01-01T00:00:00Z")
    assert http.post(f"{P}/traces", json=whole).status_code == 201
    assert http.get(f"{P}/traces/{whole['id']}").json()["duration"] == 0


TEXTS = ["\ud83e", "a\x00b", "\u202eabc", "👩‍👩‍👧", "n\u0303", "\ufeff", "x" * 1_000_000, "' OR 1=1 --", "<script>"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:8]))
def test_any_text_is_read_back(http: httpx2.Client, ingest: Callable[..., httpx2.Response], text: str) -> None:
    shown = text.encode("utf-8", "replace").decode()
    whole = trace(name=text, input={text: text}, output=text, metadata={text: text}, tags=[text], thread_id=text)
    answer = http.post(f"{P}/traces/batch", content=json.dumps({"traces": [whole]}))
    assert answer.status_code == 204, answer.text
    found = http.get(f"{P}/traces/{whole['id']}").json()
    assert (found["name"], found["input"], found["tags"]) == (shown, {shown: shown}, [shown])
    native = span(name=text, input=text, metadata={text: text}, tags=[text])
    assert ingest(json.dumps(native).encode()).json() == {"accepted": 1, "rejected": []}
    assert http.get(f"/api/v1/traces/{native['trace_id']}").json()["trace"]["name"] == shown
    for query in (shown[:1000], f'name:"{shown[:100]}"'):
        assert http.get("/api/v1/projects/p/traces", params={"q": query}).status_code in (200, 400)
    filters = [{"field": "name", "operator": "contains", "value": text[:1000]}]
    body = json.dumps({"project_name": "p", "filters": filters})
    assert http.post(f"{P}/traces/search", content=body).status_code == 200


@pytest.mark.parametrize("number", [-(2**64), -1, 2**63, 10**30])
def test_a_number_beyond_the_stores_is_refused(http: httpx2.Client, number: int) -> None:
    whole = trace()
    http.post(f"{P}/traces", json=whole)
    for route in ("projects/p/traces/delta?since={}", "traces/{id}?since={}", "traces/{id}?after={}"):
        url = f"/api/v1/{route.format(number, id=whole['id'])}"
        assert http.get(url).status_code == 422, url
    assert http.get(f"/api/v1/projects/p/traces?from=-{abs(number)}w").status_code in (200, 400)
