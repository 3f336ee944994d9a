import asyncio
import json

import openai
import pytest
from fake_openai import chat, chat_stream
from trailmark import spool
from trailmark.testing import record_trail
from trailmark_openai import _mapping, track_openai

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
NOW = {"retry-after-ms": "1"}


def refused(message="no", **more):
    return {"error": {"message": message, "type": "invalid_request_error", "param": "model", "code": "bad", **more}}


def test_a_refused_request_is_raised_untouched_and_recorded(client, fake, trail):
    fake.answer(refused("no such model"), status=400)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**ASK)

    span = trail.span("openai.chat")
    assert caught.value.body["message"] == "no such model"
    assert (span["status"], span["error"]["type"]) == ("error", "openai.BadRequestError")
    assert "no such model" in span["error"]["message"]
    assert "_make_status_error_from_response" in span["error"]["traceback"]
    assert span["metadata"]["error"]["status_code"] == 400
    assert span["metadata"]["error"]["code"] == "bad"
    assert span["metadata"]["request_id"] == "req_1"


def test_retries_are_one_span_that_tells_the_attempts(client, fake, trail):
    fake.answer(refused(), status=429, headers=NOW)
    fake.answer(refused(), status=500, headers=NOW)
    fake.answer(chat())
    client.chat.completions.create(**ASK)

    span = trail.span("openai.chat")
    assert (span["status"], span["metadata"]["attempts"]) == ("ok", [429, 500, 200])
    assert len(span["metadata"]["waits_s"]) == 2


def test_retries_used_up_are_the_last_error(client, fake, trail):
    for _ in range(3):
        fake.answer(refused(), status=500, headers=NOW)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**ASK)

    span = trail.span("openai.chat")
    assert span["error"]["type"] == "openai.InternalServerError"
    assert span["metadata"]["attempts"] == [500, 500, 500]


def test_nobody_answering_is_a_connection_error(trail):
    client = track_openai(openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="none", max_retries=0))
    with client, pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(**ASK)

    assert trail.span("openai.chat")["error"]["type"] == "openai.APIConnectionError"


def test_a_timeout_is_recorded(client, fake, trail):
    fake.answer(chat(), wait_after=0)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.05, max_retries=0).chat.completions.create(**ASK)
    fake.gate.set()

    assert trail.span("openai.chat")["error"]["type"] == "openai.APITimeoutError"


def test_an_answer_cut_in_its_json_is_an_error_that_keeps_the_text(client, fake, trail):
    fake.answer('{"id": "chatcmpl', kind="application/json")
    with pytest.raises(ValueError, match="Unterminated"):
        client.chat.completions.create(**ASK)

    span = trail.span("openai.chat")
    assert (span["status"], span["output"]) == ("error", '{"id": "chatcmpl')


def test_a_page_instead_of_json_is_the_text_the_user_gets_too(client, fake, trail):
    fake.answer("<html>hello</html>", kind="text/html")

    assert client.chat.completions.create(**ASK) == "<html>hello</html>"
    assert trail.span("openai.chat")["output"] == "<html>hello</html>"


def test_a_missing_argument_is_raised_before_there_is_a_call(client, fake, trail):
    with pytest.raises(TypeError):
        client.chat.completions.create(model="m")

    assert trail.spans == []


def test_a_key_in_an_error_is_hidden(fake, trail):
    client = track_openai(openai.OpenAI(base_url=fake.url, api_key="secret-key-of-mine\n", max_retries=0))
    with client, pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(**ASK)

    span = trail.span("openai.chat")
    assert span["error"]["type"] == "openai.APIConnectionError"
    assert b"secret-key" not in b"".join(trail.raw)


def test_no_key_is_in_any_record(client, fake, trail):
    fake.answer(chat())
    fake.answer(refused(), status=401)
    client.chat.completions.create(**ASK)
    with pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(**ASK)

    assert b"sk-test" not in b"".join(trail.raw)


def test_a_fault_of_ours_is_red_here_and_keeps_the_answer(client, fake, trail, monkeypatch):
    monkeypatch.setattr(_mapping, "usage_parts", lambda usage: 1 / 0)
    fake.answer(chat("Hi"))
    with pytest.raises(ZeroDivisionError):
        client.chat.completions.create(**ASK)

    span = trail.span("openai.chat")
    assert span["status"] == "ok"
    assert '"content": "Hi"' in span["output"]


@pytest.fixture
def a_new_fault(monkeypatch, request):
    """A field of a request and one of an answer that our reading cannot cope with: a fault nobody has met before."""

    def fail(*_):
        raise type(request.node.name, (Exception,), {})

    monkeypatch.setattr(_mapping, "usage_parts", fail)
    monkeypatch.setattr(_mapping, "_without_media", fail)


def test_a_fault_of_ours_is_not_seen_by_the_user_and_said_once(client, fake, a_new_fault, production, capsys):
    for _ in range(2):
        fake.answer(chat("Hi"))
        fake.answer(chat_stream("Hi", usage={"prompt_tokens": 1}))
        assert client.chat.completions.create(**ASK).choices[0].message.content == "Hi"
        assert len(list(client.chat.completions.create(**ASK, stream=True))) == 4

    said = [line for line in capsys.readouterr().err.splitlines() if " failed" in line]  # the sender may speak too
    assert [line.partition(" failed")[0] for line in said] == [
        "trailmark: reading an OpenAI request",
        "trailmark: reading an OpenAI answer",
    ]


def test_a_request_and_an_answer_that_cannot_be_read_are_kept_as_they_came(client, fake, a_new_fault, production):
    fake.answer(chat("Hi"))
    client.chat.completions.create(**ASK)

    records = [
        json.loads(record) for segment in spool.segments(production) for record in spool.read(segment, 2**20).records
    ]
    [span] = [record for record in records if record["ver"] == 2]
    assert (span["name"], span["status"], span["input"]) == ("openai.chat", "ok", ASK)
    assert json.loads(span["output"]) == chat("Hi")


def test_an_async_call_cancelled_is_cancelled(new_async_client, fake, trail):
    fake.answer(chat(), wait_after=0)

    async def run():
        async with new_async_client() as client:
            task = asyncio.create_task(client.chat.completions.create(**ASK))
            await asyncio.to_thread(fake.reached.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            fake.gate.set()

    asyncio.run(run())
    assert trail.tree() == "openai.chat (llm) cancelled"


def test_an_async_error_is_raised_untouched_and_recorded(new_async_client, fake, trail):
    fake.answer(refused(), status=429, headers=NOW)
    fake.answer(refused(), status=404)

    async def run():
        async with new_async_client() as client:
            await client.chat.completions.create(**ASK)

    with pytest.raises(openai.NotFoundError):
        asyncio.run(run())
    span = trail.span("openai.chat")
    assert (span["error"]["type"], span["metadata"]["attempts"]) == ("openai.NotFoundError", [429, 404])


def test_without_outputs_an_error_says_its_type_status_and_code_and_quotes_nothing(client, fake):
    fake.answer(refused("bad word: hunter2"), status=400)
    hidden = record_trail(capture_input=False, capture_output=False)
    with hidden as trail, pytest.raises(openai.BadRequestError, match="hunter2"):
        client.chat.completions.create(**ASK)

    [span] = trail.spans
    assert b"hunter2" not in b"".join(trail.raw)
    assert span["error"]["type"] == "openai.BadRequestError"
    assert span["metadata"]["error"] == {
        "status_code": 400, "code": "bad", "param": "model", "type": "invalid_request_error",
    }  # fmt: skip
