"""Inside a framework's own span of a model call there is one span, not two."""

import openai
import pytest
from fake_openai import chat, chat_stream
from trailmark.instrumentation import start_span, use_span

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def framework_call():
    return start_span("ChatModel", type="llm", claimable=True, input={"messages": ["Hello"]})


def test_a_frameworks_model_call_is_one_span_with_what_the_provider_knows(client, fake, trail):
    fake.answer(chat())
    span = framework_call()
    with use_span(span):
        client.chat.completions.create(**ASK)
    span.end(output="as the framework sees it")

    recorded = trail.span("ChatModel")
    assert trail.tree() == "ChatModel (llm) ok"
    assert (recorded["input"], recorded["output"]) == ({"messages": ["Hello"]}, "as the framework sees it")
    assert recorded["usage"]["input"] > 0
    assert recorded["metadata"]["request_id"] == "req_1"
    assert recorded["provider"]


def test_a_stream_inside_one_tells_the_first_token(client, fake, trail):
    fake.answer(chat_stream("Hi"))
    span = framework_call()
    with use_span(span):
        list(client.chat.completions.create(**ASK, stream=True))
    span.end()

    assert trail.tree() == "ChatModel (llm) ok"
    assert trail.span("ChatModel")["first_token_us"]


def test_a_second_call_inside_one_is_a_span_of_its_own(client, fake, trail):
    fake.answer(chat())
    fake.answer(chat())
    span = framework_call()
    with use_span(span):
        client.chat.completions.create(**ASK)
        client.chat.completions.create(**ASK)
    span.end()

    assert trail.tree() == "ChatModel (llm) ok\n  openai.chat (llm) ok"


def test_after_a_failure_the_frameworks_next_try_adds_to_the_same_span(client, fake, trail):
    fake.answer({"error": {"message": "no"}}, status=400)
    fake.answer(chat())
    span = framework_call()
    with use_span(span):
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(**ASK)
        client.chat.completions.create(**ASK)
    span.end()

    assert trail.tree() == "ChatModel (llm) ok"
    assert trail.span("ChatModel")["usage"]["output"] > 0
