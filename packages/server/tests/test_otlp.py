"""OTLP/HTTP: spans of OpenTelemetry become traces, and what is none is refused."""

from __future__ import annotations

import gzip
from typing import Any
from uuid import UUID

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from .otlp import PROTOBUF, START, event, json_span, post_json, read, request, send, sent, span, trace_of


def test_the_root_span_makes_the_trace(http: httpx2.Client) -> None:
    root = span({"http.request.method": "POST", "session.id": "th", "user.id": "ann", "tag.tags": ["a"]}, kind=2)
    child = span(trace_id=root.trace_id, parent_span_id=root.span_id, name="inner", start_time_unix_nano=START + 9_000)
    send(http, child, root, **{"service.name": "shop", "deployment.environment.name": "prod", "service.version": "3"})
    found = trace_of(http, root)
    trace, cols = found["trace"], found["cols"]
    assert (trace["project"], trace["name"], trace["status"], trace["dur_us"]) == ("shop", "work", "ok", 1500)
    assert (trace["thread"], trace["user"], trace["tags"], trace["environment"]) == ("th", "ann", ["a"], "prod")
    assert trace["metadata"]["resource"] == {
        "service.name": "shop", "deployment.environment.name": "prod", "service.version": "3"
    }  # fmt: skip
    assert (cols["name"], cols["parent"], cols["dur_us"]) == (["work", "inner"], [-1, 0], [1500, 1491])
    assert read(http, root)["metadata"] == {
        "http.request.method": "POST", "otel": {"kind": "server", "scope": "tests 1"}
    }  # fmt: skip


def test_spans_may_come_in_parts_twice_and_children_first(http: httpx2.Client) -> None:
    root = span()
    child = span(
        {"session.id": "th", "user.id": "ann", "tag.tags": ["a"]}, trace_id=root.trace_id, parent_span_id=root.span_id
    )
    send(http, child)
    assert trace_of(http, root)["trace"]["thread"] == "th"
    for _ in range(2):
        send(http, root)
        send(http, child)
    found = trace_of(http, root)
    assert len(found["cols"]["id"]) == 2
    assert [found["trace"][key] for key in ("name", "thread", "user", "tags")] == ["work", "th", "ann", ["a"]]


@pytest.mark.parametrize(
    ("resource", "headers", "project"),
    [
        ({"service.name": "shop"}, {}, "shop"),
        ({"service.name": "unknown_service:python"}, {}, "Default Project"),
        ({"telemetry.sdk.name": "x"}, {}, "Default Project"),
        ({"service.name": "shop"}, {"X-Trailmark-Project": "from header"}, "from header"),
        ({"service.name": "shop"}, {"projectName": "as Opik says"}, "as Opik says"),
        ({"service.name": "shop", "trailmark.project": "own"}, {"X-Trailmark-Project": "from header"}, "own"),
        ({"service.name": "shop", "openinference.project.name": "phoenix"}, {}, "phoenix"),
    ],
)
def test_the_project_is_the_service_unless_something_says_otherwise(
    http: httpx2.Client, resource: dict[str, str], headers: dict[str, str], project: str
) -> None:
    one = span()
    send(http, one, headers=headers, **resource)
    assert trace_of(http, one)["trace"]["project"] == project


def test_a_failed_span_has_its_exception(http: httpx2.Client) -> None:
    thrown = event(
        "exception", {"exception.type": "ValueError", "exception.message": "no", "exception.stacktrace": "tb"}
    )
    found = sent(http, {}, status=Status(code=Status.STATUS_CODE_ERROR, message="failed"), events=[thrown])
    assert found["error"] == {"type": "ValueError", "message": "no", "traceback": "tb"}
    assert found["status"] == "error"
    told = sent(http, {}, status=Status(code=Status.STATUS_CODE_ERROR, message="failed"))
    assert told["error"]["message"] == "failed"


def test_a_call_from_a_trailmark_program_hangs_below_its_span(http: httpx2.Client) -> None:
    ours, trace_id = UUID(int=0x0189_0000_0000_7000_8000_0000_0000_0042), UUID(int=77)
    record = {"k": "span", "id": str(ours), "ver": 2, "trace_id": str(trace_id), "parent_id": None, "project": "shop",
              "name": "caller", "type": "general", "start_us": START // 1000, "end_us": START // 1000 + 9, "status": "ok",
              "trace": {}}  # fmt: skip
    http.post("/api/v1/ingest", json=record)
    send(http, span(trace_id=trace_id.bytes, parent_span_id=ours.bytes[8:], trace_state=f"x=1,trailmark={ours}"))
    found = http.get(f"/api/v1/traces/{trace_id}").json()
    assert dict(zip(found["cols"]["name"], found["cols"]["parent"], strict=True))["work"] == found["cols"][
        "name"
    ].index("caller")


def test_ids_that_opiks_span_processor_names_are_used(http: httpx2.Client) -> None:
    ids = [str(UUID(int=0x0189_0000_0000_7000_8000_0000_0000_0050 + n)) for n in range(3)]
    send(http, span({"opik.trace_id": ids[0], "opik.span_id": ids[1], "opik.parent_span_id": ids[2]}))
    assert http.get(f"/api/v1/traces/{ids[0]}/spans/{ids[1]}").json()["parent_id"] == ids[2]


@pytest.mark.parametrize(
    "fields",
    [
        {"trace_id": bytes(16)}, {"span_id": bytes(8)}, {"trace_id": b"short"}, {"span_id": b""},
        {"parent_span_id": b"123"},
    ],
)  # fmt: skip
def test_a_span_without_ids_is_refused_and_its_neighbours_are_stored(
    http: httpx2.Client, fields: dict[str, bytes]
) -> None:
    good = span()
    answer = http.post("/v1/traces", content=request(span(**fields), good).SerializeToString(), headers=PROTOBUF)
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 1)
    assert next(iter(fields)) in told.error_message
    assert trace_of(http, good)


def test_json_is_taken_with_ids_in_hex_numbers_as_text_and_names_of_enums(http: httpx2.Client) -> None:
    one = json_span()
    answer = post_json(http, one)
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {}, "application/json")
    found = http.get(f"/api/v1/traces/{one['traceId']}/spans/{UUID(int=int(one['spanId'], 16))}").json()
    assert (found["name"], found["dur_us"]) == ("js", 1000)
    assert found["metadata"] == {"n": 7, "l": [True], "otel": {"kind": "client", "scope": "web"}}


@pytest.mark.parametrize(
    "bad",
    [{"traceId": "xyz"}, {"traceId": 3}, {"startTimeUnixNano": "noon"}, {"attributes": 3}, {"name": {}}],
)  # fmt: skip
def test_a_bad_span_in_json_is_counted(http: httpx2.Client, bad: dict[str, Any]) -> None:
    good = json_span()
    answer = post_json(http, json_span(**bad), good)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert http.get(f"/api/v1/traces/{good['traceId']}").status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400),
        (b"", PROTOBUF, 200),
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"[]", {"Content-Type": "application/json"}, 400),
        (b'{"resourceSpans": 3}', {"Content-Type": "application/json"}, 400),
        (b'{"resourceSpans": [3]}', {"Content-Type": "application/json"}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (b"x", {**PROTOBUF, "Content-Encoding": "br"}, 415),
        (b"x", {**PROTOBUF, "Content-Encoding": "gzip"}, 400),
    ],
)
def test_what_is_no_export_is_refused(http: httpx2.Client, body: bytes, headers: dict[str, str], status: int) -> None:
    assert http.post("/v1/traces", content=body, headers=headers).status_code == status


def test_gzip_and_opiks_address_are_taken(http: httpx2.Client) -> None:
    one = span()
    body = gzip.compress(request(one).SerializeToString())
    path = "/api/v1/private/otel/v1/traces"
    assert http.post(path, content=body, headers={**PROTOBUF, "Content-Encoding": "gzip"}).status_code == 200
    assert trace_of(http, one)


def test_a_value_nested_beyond_reason_is_refused_and_the_server_lives(http: httpx2.Client) -> None:
    data = b""
    for _ in range(20_000):  # AnyValue of array_value of values, around itself
        inner = b"\x0a" + _varint(len(data)) + data
        data = b"\x2a" + _varint(len(inner)) + inner
    one = span()
    deep = KeyValue(key="deep").SerializeToString() + b"\x12" + _varint(len(data)) + data
    whole = one.SerializeToString() + b"\x4a" + _varint(len(deep)) + deep
    scope = b"\x12" + _varint(len(whole)) + whole
    group = b"\x12" + _varint(len(scope)) + scope
    body = b"\x0a" + _varint(len(group)) + group
    assert http.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 400
    send(http, one)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
