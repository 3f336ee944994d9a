import openai
import pytest
import trailmark
from fake_openai import PARTS, USAGE, chat, chat_stream
from pydantic import BaseModel
from trailmark.testing import record_trail

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello, world!"}]}


def test_a_call_is_one_llm_span_under_its_caller(client, fake, trail):
    fake.answer(chat())

    @trailmark.track
    def answer():
        return client.chat.completions.create(**ASK)

    answer()

    assert trail.tree() == "answer (general) ok\n  openai.chat (llm) ok"


def test_the_span_knows_input_output_model_provider_usage_and_request(client, fake, trail):
    fake.answer(chat("Hi"))
    client.chat.completions.create(**ASK, temperature=0.5)

    span = trail.span("openai.chat")
    assert span["input"] == {"messages": ASK["messages"], "temperature": 0.5}
    assert span["output"]["choices"][0]["message"]["content"] == "Hi"
    assert (span["model"], span["provider"]) == ("gpt-4o-mini-2024-07-18", "openai")
    assert (span["usage"], span["usage_raw"]) == (PARTS, USAGE)
    assert span["metadata"] == {
        "model_requested": "gpt-4o-mini",
        "response_id": "chatcmpl-1",
        "service_tier": "default",
        "finish_reasons": ["stop"],
        "request_id": "req_1",
    }


def test_the_answer_is_the_one_of_a_bare_client(client, fake, trail):
    bare = openai.OpenAI(base_url=fake.url, api_key="none")
    fake.answer(chat())
    fake.answer(chat())

    ours, theirs = (each.chat.completions.create(**ASK) for each in (client, bare))
    assert ours == theirs
    assert type(ours) is type(theirs)
    assert ours._request_id == "req_1"
    bare.close()


def test_a_parsed_answer_stays_typed_and_its_schema_is_in_the_input(client, fake, trail):
    class City(BaseModel):
        name: str

    fake.answer(chat('{"name": "Paris"}'))
    parsed = client.chat.completions.parse(**ASK, response_format=City)

    assert parsed.choices[0].message.parsed == City(name="Paris")
    assert trail.span("openai.chat")["input"]["response_format"]["json_schema"]["name"] == "City"


def test_an_answer_too_long_to_parse_is_an_error_with_output_and_usage(client, fake, trail):
    class City(BaseModel):
        name: str

    cut = chat('{"na')
    cut["choices"][0]["finish_reason"] = "length"
    fake.answer(cut)

    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(**ASK, response_format=City)
    span = trail.span("openai.chat")
    assert (span["status"], span["error"]["type"]) == ("error", "openai.LengthFinishReasonError")
    assert span["output"]["choices"][0]["message"]["content"] == '{"na'
    assert span["usage"] == PARTS


def test_messages_changed_after_the_call_do_not_change_the_span(client, fake, trail):
    fake.answer(chat())
    messages = [{"role": "user", "content": "before"}]
    client.chat.completions.create(model="m", messages=messages)
    messages[0]["content"] = "after"

    assert trail.span("openai.chat")["input"]["messages"][0]["content"] == "before"


def test_a_raw_response_is_still_raw_and_recorded_whole(client, fake, trail):
    fake.answer(chat("Hi"))
    raw = client.chat.completions.with_raw_response.create(**ASK)

    assert raw.headers["x-request-id"] == "req_1"
    assert raw.parse().choices[0].message.content == "Hi"
    assert trail.span("openai.chat")["usage"] == PARTS


def test_a_streaming_response_is_recorded_when_it_is_read(client, fake, trail):
    fake.answer(chat("Hi"))
    with client.chat.completions.with_streaming_response.create(**ASK) as raw:
        assert trail.span("openai.chat")["status"] == "running"
        body = raw.read()

    assert b'"Hi"' in body
    assert trail.span("openai.chat")["output"]["choices"][0]["message"]["content"] == "Hi"
    assert trail.tree() == "openai.chat (llm) ok"


def test_extra_body_is_part_of_the_input(client, fake, trail):
    fake.answer(chat())
    client.chat.completions.create(**ASK, extra_body={"top_k": 5})

    assert trail.span("openai.chat")["input"]["top_k"] == 5


def test_the_client_of_a_compatible_server_names_it(fake, trail, client):
    answer = chat()
    answer["usage"] = {**USAGE, "cost": 0.00042}
    fake.answer({**answer, "provider": "Mistral"})
    client.chat.completions.create(**ASK)

    span = trail.span("openai.chat")
    assert span["total_cost"] == 0.00042
    assert span["metadata"]["upstream_provider"] == "Mistral"


def test_azure_is_azure(fake, trail):
    from trailmark_openai import track_openai

    with track_openai(
        openai.AzureOpenAI(azure_endpoint=fake.url.removesuffix("/v1"), api_key="k" * 20, api_version="2024-10-21")
    ) as azure:
        fake.answer(chat())
        azure.chat.completions.create(**{**ASK, "model": "my-deployment"})

    span = trail.span("openai.chat")
    assert "/deployments/my-deployment/" in fake.requests[0][0]
    assert (span["provider"], span["metadata"]["model_requested"]) == ("azure", "my-deployment")


def test_a_server_of_tools_keeps_its_token_to_itself(client, fake, trail):
    fake.answer(chat())
    tool = {"type": "mcp", "server_label": "s", "authorization": "tok-123", "headers": {"Authorization": "tok-456"}}
    client.chat.completions.create(**ASK, extra_body={"tools": [tool]})

    assert "tok-" in str(fake.requests)
    assert b"tok-" not in b"".join(trail.raw)


def test_nothing_is_recorded_when_tracing_is_off(client, fake, trail):
    fake.answer(chat("Hi"))
    trailmark.set_tracing_active(False)

    assert client.chat.completions.create(**ASK).choices[0].message.content == "Hi"
    assert trail.spans == []


def test_settings_leave_inputs_and_outputs_out(client, fake):
    fake.answer(chat("Hi"))
    fake.answer(chat_stream("Hi", usage=USAGE))
    with record_trail(capture_input=False, capture_output=False) as trail:
        client.chat.completions.create(**ASK)
        list(client.chat.completions.create(**ASK, stream=True))

    assert [(span.get("input"), span.get("output"), span["usage"]) for span in trail.spans] == [(None, None, PARTS)] * 2
