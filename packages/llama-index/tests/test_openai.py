"""LlamaIndex's own OpenAI models, which want openai 2: run in their environment by `make test-alone PKG=llama-index`."""

import asyncio
import gc
import sys
from pathlib import Path

import pytest
import trailmark
from llama_index.core.base.llms.types import ChatMessage

llms = pytest.importorskip("llama_index.llms.openai", reason="wants openai 2: make test-alone PKG=llama-index")

sys.path.insert(0, str(Path(__file__).parents[2] / "openai" / "tests"))

from fake_openai import FakeOpenAI, chat, chat_stream, response  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the model never closes its async client

PARTS = {"input": 7, "input_cached": 4, "output": 4, "output_reasoning": 3}
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
HI = [ChatMessage(role="user", content="Hi")]


@pytest.fixture
def fake():
    with FakeOpenAI() as running:
        yield running
    gc.collect()


@pytest.fixture
def gpt(fake):
    return llms.OpenAI(model="gpt-4o-mini", api_key="sk-test", api_base=fake.url, max_retries=0)


@pytest.fixture
def tracked():
    undo = pytest.importorskip("trailmark_openai").instrument()
    yield
    undo()


def said(body):
    return {**body, "usage": USAGE}


@pytest.mark.parametrize("how", ["chat", "achat"])
def test_a_chat_has_model_messages_and_usage(traced, fake, gpt, how):
    fake.answer(said(chat()))
    with trailmark.span("outer"):
        gpt.chat(HI) if how == "chat" else asyncio.run(gpt.achat(HI))
    assert traced.tree() == f"outer (general) ok\n  OpenAI.{how} (llm) ok"
    span = traced.span(f"OpenAI.{how}")
    assert (span["provider"], span["model"]) == ("openai", "gpt-4o-mini-2024-07-18")
    assert span["usage"] == PARTS
    assert span["output"]["content"] == "Hello there"


def test_a_stream_with_usage_is_counted(traced, fake, gpt):
    fake.answer(chat_stream("Hel", "lo", usage=USAGE))
    pieces = gpt.stream_chat(HI, stream_options={"include_usage": True})
    assert "".join(piece.delta for piece in pieces) == "Hello"
    [span] = traced.spans
    assert (span["output"]["content"], span["usage"]) == ("Hello", PARTS)
    assert span["first_token_us"] < span["end_us"]


def test_an_error_of_the_service_is_the_spans(traced, fake, gpt):
    fake.answer({"error": {"message": "too many"}}, status=429, headers={"x-should-retry": "false"})
    with pytest.raises(Exception, match="too many"):
        gpt.chat(HI)
    assert traced.tree() == "OpenAI.chat (llm) error"


def test_the_responses_model_is_recorded_alike(traced, fake):
    fake.answer(response("Hello"))
    llms.OpenAIResponses(model="gpt-5", api_key="sk-test", api_base=fake.url, max_retries=0).chat(HI)
    [span] = traced.spans
    assert (span["name"], span["type"]) == ("OpenAIResponses.chat", "llm")
    assert span["output"]["content"] == "Hello"
    assert span["usage"] == {"input": 15, "input_cached": 5, "output": 3, "output_reasoning": 6}


def test_with_trailmark_openai_a_call_is_still_one_span(traced, tracked, fake, gpt):
    fake.answer(said(chat()))
    fake.answer(chat_stream("Hel", "lo", usage=USAGE))
    with trailmark.span("outer"):
        gpt.chat(HI)
        list(gpt.stream_chat(HI))
    assert traced.tree() == "outer (general) ok\n  OpenAI.chat (llm) ok\n  OpenAI.stream_chat (llm) ok"
    assert traced.span("OpenAI.chat")["usage"] == PARTS
    assert traced.span("OpenAI.stream_chat")["usage"] == PARTS  # asked for by trailmark-openai
    assert traced.span("OpenAI.stream_chat")["output"]["content"] == "Hello"
