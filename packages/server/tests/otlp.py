"""Spans of OpenTelemetry as its exporters send them, and what model calls look like in every convention."""

from __future__ import annotations

import itertools
import json
from typing import Any
from uuid import UUID

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

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
