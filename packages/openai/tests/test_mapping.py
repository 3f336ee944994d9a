"""The pure parts, without a network."""

import json

import openai
import pytest
from fake_openai import delta
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trailmark_openai._routes import provider_of, route
from trailmark_openai._stream import read_stream
from trailmark_openai._usage import usage_parts

COUNT = st.integers(-3, 50) | st.none() | st.booleans() | st.text(max_size=2)
INSIDE = st.dictionaries(st.sampled_from(["cached_tokens", "audio_tokens", "cache_write_tokens"]), COUNT) | st.none()
OUTSIDE = st.dictionaries(st.sampled_from(["reasoning_tokens", "audio_tokens"]), COUNT) | st.none()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 99), st.integers(0, 99), INSIDE, OUTSIDE)
def test_parts_of_usage_always_add_up_to_the_whole(given_in, given_out, inside, outside):
    usage = {"prompt_tokens": given_in, "completion_tokens": given_out}
    usage |= {"prompt_tokens_details": inside, "completion_tokens_details": outside}
    parts = usage_parts(usage)

    assert sum(n for part, n in parts.items() if part.startswith("input")) == given_in
    assert sum(n for part, n in parts.items() if part.startswith("output")) == given_out
    assert all(n > 0 for n in parts.values())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_no_bytes_of_a_server_break_the_reader_of_streams(data):
    read_stream(data)


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "azure"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://europe-west1-aiplatform.googleapis.com/v1", "vertex"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://localhost:8000/v1", "vllm"),
        ("http://127.0.0.1:9999/v1", "openai"),
        ("https://models.example.org/v1", "models.example.org"),
    ],
)
def test_the_provider_is_known_by_its_host(url, provider):
    with openai.OpenAI(base_url=url, api_key="none") as client:
        assert provider_of(client) == provider


@pytest.mark.parametrize(
    ("method", "url", "span"),
    [
        ("post", "/chat/completions", ("openai.chat", "llm")),
        ("POST", "/responses?beta=true", ("openai.responses", "llm")),
        ("post", "/chat/completions/chatcmpl-123", ("openai.chat.completions", "general")),
        ("post", "/responses/resp_1/cancel", ("openai.responses.cancel", "general")),
        ("get", "/responses/resp_1", None),
        ("post", "/files", ("openai.files", "general")),
        ("get", "/files/file-1/content", ("openai.files.content", "general")),
        ("delete", "/files/file-1", None),
        ("post", "/batches", ("openai.batches", "general")),
        ("post", "/batches/batch_1/cancel", ("openai.batches.cancel", "general")),
        ("post", "/vector_stores/vs_1/search", ("openai.vector_stores.search", "retriever")),
        ("post", "/threads/thread_1/runs", ("openai.threads.runs", "llm")),
        ("post", "/threads/thread_1/messages", None),
        ("post", "/agents/sessions", ("openai.agents.sessions", "agent")),
        ("post", "/agents/environments", None),
        ("post", "/vaults/v_1/credentials", None),
        ("post", "/webhook_endpoints", None),
        ("post", "/chatkit/sessions", None),
        ("post", "/vector_stores/vs_1/files", None),
    ],
)
def test_a_span_is_named_by_its_route(method, url, span):
    assert route(method, url) == span


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.text(max_size=8) | st.sampled_from(['"', "\\", '"delta":{"content":"x"}', "\ud83d", "👋"])),
    st.booleans(),
)
def test_words_are_joined_as_if_each_chunk_were_parsed(words, ascii_only):
    chunks = [json.dumps(delta(content=word), ensure_ascii=ascii_only) for word in words]
    data = "".join(f"data: {chunk}\n\n" for chunk in chunks).encode(errors="replace")
    answer, _ = read_stream(data)

    said = "".join(json.loads(chunk)["choices"][0]["delta"]["content"] for chunk in chunks)
    expected = said.encode("utf-16", "surrogatepass" if ascii_only else "replace").decode("utf-16", "replace")
    got = answer["choices"][0]["message"]["content"] if words else ""
    assert got.encode("utf-16", "surrogatepass").decode("utf-16", "replace") == expected
