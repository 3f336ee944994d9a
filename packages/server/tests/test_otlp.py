"""OTLP/HTTP: spans of OpenTelemetry, in every spelling of its conventions and in OpenInference's."""

from __future__ import annotations

import gzip
import itertools
import json
from typing import Any
from uuid import UUID

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

PROTOBUF = {"Content-Type": "application/x-protobuf"}
START = 1_800_000_000_000_000_000
_numbers = itertools.count(1)


def any_value(value: Any) -> AnyValue:
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    return AnyValue(string_value=value)


def pairs(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def span(attributes: dict[str, Any] | None = None, **fields: Any) -> Span:
    n = next(_numbers)
    given = {
        "trace_id": n.to_bytes(16, "big"), "span_id": n.to_bytes(8, "big"), "name": "work",
        "start_time_unix_nano": START, "end_time_unix_nano": START + 1_500_000,
    }  # fmt: skip
    return Span(**{**given, **fields}, attributes=pairs(attributes or {}))


def event(name: str, body: dict[str, Any]) -> Span.Event:
    return Span.Event(name=name, time_unix_nano=START + 1000, attributes=pairs(body))


def request(*spans: Span, **resource: Any) -> ExportTraceServiceRequest:
    export = ExportTraceServiceRequest()
    group = export.resource_spans.add()
    group.resource.attributes.extend(pairs(resource or {"service.name": "shop"}))
    scoped = group.scope_spans.add()
    scoped.scope.name, scoped.scope.version = "tests", "1"
    scoped.spans.extend(spans)
    return export


def send(http: httpx2.Client, *spans: Span, headers: dict[str, str] | None = None, **resource: Any) -> None:
    body = request(*spans, **resource).SerializeToString()
    answer = http.post("/v1/traces", content=body, headers={**PROTOBUF, **(headers or {})})
    assert answer.status_code == 200, answer.text
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()


def trace_of(http: httpx2.Client, one: Span) -> dict[str, Any]:
    answer = http.get(f"/api/v1/traces/{UUID(bytes=one.trace_id)}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(http: httpx2.Client, one: Span) -> dict[str, Any]:
    span_id = UUID(bytes=bytes(8) + one.span_id)
    return http.get(f"/api/v1/traces/{UUID(bytes=one.trace_id)}/spans/{span_id}").json()


def sent(http: httpx2.Client, attributes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A span as it is read back."""
    one = span(attributes, **fields)
    send(http, one)
    return read(http, one)


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


CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
}
ASKED = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}]
SAID = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}]}
PARTS_IN = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}])
PARTS_OUT = json.dumps(
    [{"role": "assistant", "parts": [{"type": "text", "content": "Hello"}], "finish_reason": "stop"}]
)
SPELLINGS: dict[str, tuple[dict[str, Any], list[Span.Event]]] = {
    "attributes of today": (
        {
            "gen_ai.provider.name": "openai", "gen_ai.input.messages": PARTS_IN, "gen_ai.output.messages": PARTS_OUT,
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief"}]),
            "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.usage.reasoning.output_tokens": 2,
        },
        [],
    ),
    "attributes as values": (
        {
            "gen_ai.provider.name": "openai",
            "gen_ai.input.messages": [{"role": "system", "parts": [{"type": "text", "content": "Be brief"}]}, *json.loads(PARTS_IN)],
            "gen_ai.output.messages": json.loads(PARTS_OUT),
            "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.usage.reasoning.output_tokens": 2,
        },
        [],
    ),
    "numbered attributes": (
        {
            "gen_ai.system": "openai", "llm.request.type": "chat",
            "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief",
            "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "Hi",
            "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "Hello",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5, "llm.usage.total_tokens": 15,
            "gen_ai.usage.cache_read_input_tokens": 4, "gen_ai.usage.reasoning_tokens": 2,
        },
        [],
    ),
    "events": (
        {
            "gen_ai.system": "openai", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.cache_read_input_tokens": 4, "gen_ai.usage.reasoning_tokens": 2,
        },
        [
            event("gen_ai.system.message", {"content": "Be brief"}),
            event("gen_ai.user.message", {"content": "Hi"}),
            event("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": "Hello"})}),
        ],
    ),
    "content events": (
        {
            "gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5,
            "gen_ai.usage.cache_read_input_tokens": 4, "gen_ai.usage.reasoning_tokens": 2,
        },
        [
            event("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(ASKED)}),
            event("gen_ai.content.completion", {"gen_ai.completion": json.dumps([{"role": "assistant", "content": "Hello", "finish_reason": "stop"}])}),
        ],
    ),
    "events in an attribute": (
        {
            "gen_ai.system": "openai", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.details.cache_read_tokens": 4, "gen_ai.usage.details.reasoning_tokens": 2,
            "events": json.dumps([
                {"event.name": "gen_ai.system.message", "content": "Be brief", "role": "system"},
                {"event.name": "gen_ai.user.message", "content": "Hi", "role": "user", "gen_ai.message.index": 0},
                {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"},
            ]),
        },
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_model_call_is_the_same_in_every_spelling_of_genai(http: httpx2.Client, spelling: str) -> None:
    attributes, events = SPELLINGS[spelling]
    found = sent(http, {**CHAT, **attributes, "server.port": 443}, events=events)
    assert found["input"] == {"messages": ASKED}
    assert found["output"] == SAID
    assert (found["type"], found["model"], found["provider"]) == ("llm", "gpt-4o-mini-2024-07-18", "openai")
    assert found["usage"] == {"input": 6, "input_cached": 4, "output": 3, "output_reasoning": 2}
    assert found["cost"] > 0
    left = {key: value for key, value in found["metadata"].items() if key not in ("otel", "gen_ai.operation.name")}
    assert left == {"gen_ai.request.model": "gpt-4o-mini", "server.port": 443} | (
        {"llm.request.type": "chat"} if "llm.request.type" in attributes else {}
    )


def test_tool_calls_answers_and_images_become_chat_messages(http: httpx2.Client) -> None:
    call = {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"city": "Rome"}}
    asked = [
        {"role": "user", "parts": [{"type": "text", "content": "See"}, {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"}]},
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "sunny"}]},
    ]  # fmt: skip
    tools = [{"type": "function", "name": "look"}]
    found = sent(
        http, {**CHAT, "gen_ai.input.messages": json.dumps(asked), "gen_ai.tool.definitions": json.dumps(tools)}
    )
    user, assistant, tool = found["input"]["messages"]
    assert user["content"][1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert assistant["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": {"city": "Rome"}}}
    ]
    assert tool == {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    assert found["input"]["tools"] == tools
    flat = {
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.tool_calls.0.id": "c1",
        "gen_ai.completion.0.tool_calls.0.name": "look", "gen_ai.completion.0.tool_calls.0.arguments": "{}",
    }  # fmt: skip
    said = sent(http, {**CHAT, **flat})["output"]["choices"][0]["message"]
    assert said["tool_calls"] == [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look", "gen_ai.tool.call.arguments": '{"a": 1}',
          "gen_ai.tool.call.result": "ok"}, ("tool", {"a": 1}, "ok")),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}, ("agent", None, None)),
        ({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "e"}, ("embedding", None, None)),
        ({"traceloop.span.kind": "workflow", "traceloop.entity.input": '{"q": 1}', "traceloop.entity.output": "[2]"},
         ("chain", {"q": 1}, [2])),
        ({"openinference.span.kind": "TOOL", "input.value": '{"a": 1}', "input.mime_type": "application/json",
          "output.value": "[1]", "output.mime_type": "text/plain"}, ("tool", {"a": 1}, "[1]")),
        ({"openinference.span.kind": "RETRIEVER", "input.value": "q", "retrieval.documents.0.document.content": "d",
          "retrieval.documents.0.document.score": 0.5, "retrieval.documents.0.document.metadata": '{"page": 1}'},
         ("retriever", "q", {"documents": [{"content": "d", "score": 0.5, "metadata": {"page": 1}}]})),
        ({"openinference.span.kind": "AGENT"}, ("agent", None, None)),
        ({"openinference.span.kind": "RERANKER"}, ("retriever", None, None)),
        ({"http.route": "/"}, ("general", None, None)),
    ],
)  # fmt: skip
def test_types_inputs_and_outputs(http: httpx2.Client, attributes: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = sent(http, attributes)
    assert (found["type"], found["input"], found["output"]) == expected


OPENINFERENCE = {
    "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini", "llm.provider": "openai", "llm.system": "openai",
    "input.value": "raw", "llm.invocation_parameters": '{"temperature": 0}',
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.contents.0.message_content.type": "text",
    "llm.input_messages.0.message.contents.0.message_content.text": "See",
    "llm.input_messages.0.message.contents.1.message_content.type": "image",
    "llm.input_messages.0.message.contents.1.message_content.image.image.url": "data:image/png;base64,AAAA",
    "llm.input_messages.10.message.role": "user", "llm.input_messages.10.message.content": "last",
    "llm.input_messages.2.message.role": "tool", "llm.input_messages.2.message.content": "sunny",
    "llm.input_messages.2.message.tool_call_id": "c0",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "look",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{}",
    "llm.tools.0.tool.json_schema": '{"name": "look"}',
    "llm.token_count.prompt": 10, "llm.token_count.completion": 5, "llm.token_count.total": 15,
    "llm.token_count.prompt_details.cache_read": 4, "llm.token_count.completion_details.reasoning": 2,
    "metadata": '{"tier": "pro"}', "session.id": "th",
    "annotations.0.annotation.name": "helpful", "annotations.0.annotation.score": 0.5,
    "annotations.0.annotation.explanation": "cited", "trace.evaluations.0.evaluation.name": "verdict",
    "trace.evaluations.0.evaluation.label": "good",
}  # fmt: skip


def test_a_model_call_of_openinference(http: httpx2.Client) -> None:
    one = span(OPENINFERENCE)
    send(http, one)
    found, trace = read(http, one), trace_of(http, one)["trace"]
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert found["input"] == {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "See"}, image]},
            {"role": "tool", "content": "sunny", "tool_call_id": "c0"},
            {"role": "user", "content": "last"},
        ],
        "tools": [{"name": "look"}],
    }
    [choice] = found["output"]["choices"]
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "look", "arguments": "{}"}
    assert (found["type"], found["model"], found["provider"]) == ("llm", "gpt-4o-mini", "openai")
    assert found["usage"] == {"input": 6, "input_cached": 4, "output": 3, "output_reasoning": 2}
    assert found["usage_raw"]["total"] == 15
    assert found["metadata"] == {
        "tier": "pro", "input.value": "raw", "llm.invocation_parameters": {"temperature": 0},
        "otel": {"kind": "internal", "scope": "tests 1"},
    }  # fmt: skip
    assert [(s["name"], s["value"], s["reason"]) for s in found["scores"]] == [("helpful", 0.5, "cited")]
    assert (trace["thread"], [(s["name"], s["label"]) for s in trace["scores"]]) == ("th", [("verdict", "good")])


def test_an_evaluation_event_is_a_score(http: httpx2.Client) -> None:
    body = {
        "gen_ai.evaluation.name": "relevance",
        "gen_ai.evaluation.score.value": 0.9,
        "gen_ai.evaluation.explanation": "on topic",
    }
    found = sent(http, CHAT, events=[event("gen_ai.evaluation.result", body), event("retry", {"n": 1})])
    assert [(s["name"], s["value"], s["reason"]) for s in found["scores"]] == [("relevance", 0.9, "on topic")]
    assert found["metadata"]["events"] == [{"name": "retry", "ts_us": START // 1000 + 1, "n": 1}]


def test_an_explicit_cost_wins(http: httpx2.Client) -> None:
    assert sent(http, {**OPENINFERENCE, "llm.cost.total": 0.25})["cost"] == 0.25


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


def json_span(**fields: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "traceId": f"{n:032x}", "spanId": f"{n:016X}", "name": "js", "kind": "SPAN_KIND_CLIENT",
        "startTimeUnixNano": str(START), "endTimeUnixNano": START + 1_000_000, "flags": 1, "unknownField": {"a": 1},
        "attributes": [{"key": "n", "value": {"intValue": "7"}}, {"key": "l", "value": {"arrayValue": {"values": [{"boolValue": True}]}}}],
    } | fields  # fmt: skip


def post_json(http: httpx2.Client, *spans: Any, **options: Any) -> httpx2.Response:
    body = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "web"}, "spans": list(spans)}]}]}
    return http.post("/v1/traces", json=body, **options)


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
