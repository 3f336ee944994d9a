"""Model calls of OpenTelemetry, in every spelling of its conventions and in OpenInference's."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from .otlp import ASKED, CHAT, OPENINFERENCE, SAID, SPELLINGS, START, event, read, send, sent, span, trace_of


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
