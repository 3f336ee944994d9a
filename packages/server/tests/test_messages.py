"""One shape for the conversations of every provider, and none for what is no conversation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trailmark_server.api.files import kind_of
from trailmark_server.api.messages import conversation, parameters

SHA = "a" * 64


def shown(sent: Any, received: Any = None) -> list[tuple[str, list[tuple[str, Any]]]]:
    """(role, [(type, what it holds)]) of each message."""
    keys = ("text", "blob", "data", "url", "args", "name")
    return [
        (m["role"], [(p["type"], next(p[key] for key in keys if p.get(key) is not None)) for p in m["parts"]])
        for m in conversation(sent, received) or []
    ]


CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}


@pytest.mark.parametrize(
    ("sent", "received", "expected"),
    [
        (
            {"model": "gpt", "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": [
                {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                {"type": "image_url", "image_url": {"url": f"trailmark-media:{SHA}:12:url:image/png"}}]}]},
            {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [CALL]}}]},
            [("system", [("text", "Be kind.")]), ("user", [("text", "What is it?"), ("image", "https://x/y.png"), ("image", SHA)]),
             ("assistant", [("tool_call", '{"q": 1}')])],
        ),
        ([{"role": "tool", "tool_call_id": "c1", "content": "42"}], None, [("tool", [("tool_result", "42")])]),
        (
            {"system": "Short.", "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "ok"}]}]}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
            [("system", [("text", "Short.")]), ("user", [("tool_result", "ok")]), ("assistant", [("reasoning", "hm"), ("tool_call", {"a": 1})])],
        ),
        (
            {"instructions": "Be brief.", "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}, {"type": "function_call_output", "call_id": "c", "output": "7"}]},
            {"output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "so"}]}, {"type": "function_call", "call_id": "d", "name": "g", "arguments": "{}"},
                        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}]},
            [("system", [("text", "Be brief.")]), ("user", [("text", "hi")]), ("tool", [("tool_result", "7")]),
             ("assistant", [("reasoning", "so")]), ("assistant", [("tool_call", "{}")]), ("assistant", [("text", "done")])],
        ),
        (
            {"contents": [{"role": "user", "parts": [{"text": "look"}, {"inline_data": {"mime_type": "image/png", "data": "aGk="}}]}]},
            {"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]}}]},
            [("user", [("text", "look"), ("file", "aGk=")]), ("assistant", [("tool_call", {"x": 1})])],
        ),
        (
            {"messages": [[{"id": ["langchain", "schema", "HumanMessage"], "kwargs": {"content": "hey", "type": "human"}}]]},
            {"type": "ai", "content": "yo"},
            [("user", [("text", "hey")]), ("assistant", [("text", "yo")])],
        ),
    ],
)  # fmt: skip
def test_every_provider_comes_out_in_one_shape(sent: Any, received: Any, expected: Any) -> None:
    assert shown(sent, received) == expected


@pytest.mark.parametrize(
    "value", [None, "text", 3, [], {}, {"q": "x"}, [1, 2], {"messages": "none"}, {"role": 3, "content": "x"}]
)
def test_what_is_no_conversation_gives_none(value: Any) -> None:
    assert conversation(value, value) is None


def test_an_answer_that_is_only_a_text_is_the_assistants() -> None:
    found = conversation({"messages": [{"role": "user", "content": "hi"}]}, "hello")
    assert found is not None
    assert [(m["role"], m["side"], m["parts"][0]["text"]) for m in found] == [
        ("user", "input", "hi"), ("assistant", "output", "hello"),
    ]  # fmt: skip
    assert conversation("hi", "hello") is None


def test_parameters_are_what_stands_beside_the_messages() -> None:
    assert parameters({"messages": [{"role": "user"}], "temperature": 0.5}) == {"temperature": 0.5}
    assert parameters({"q": 1}) is None


WORDS = st.sampled_from(["role", "content", "type", "parts", "messages", "tool_calls", "function", "image_url", "source", "data", "id", "kwargs",
                         "user", "tool", "tool_use", "text", "thinking", "output", "choices", "message", "audio", "input_audio"])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES)
def test_odd_values_never_raise(sent: Any, received: Any) -> None:
    conversation(sent, received)
    parameters(sent)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"), (b"RIFF....WEBP", "image/webp"), (b"XXXX....WEBP", "application/octet-stream"),
        (b"<svg onload=x>", "application/octet-stream"), (b"<html>", "application/octet-stream"), (b"%PDF-1.7", "application/octet-stream"),
        (b"", "application/octet-stream"), (b"....ftypavif", "image/avif"),
    ],
)  # fmt: skip
def test_contents_are_shown_by_their_first_bytes_only(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind
