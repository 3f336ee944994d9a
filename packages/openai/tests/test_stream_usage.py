"""Usage of streams whose callers did not ask for it: recorded, and invisible to them."""

import asyncio
import gc
import json

import openai
import pytest
import trailmark
from fake_openai import HEAD, PARTS, USAGE, chat_stream, delta, sse
from trailmark_openai import instrument, track_openai

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def asked_stream(*words):
    """As the service answers when it is asked for usage: a null in every chunk, and a chunk more."""
    return chat_stream(*words, usage=USAGE)


def plain_stream(*words):
    """As it answers when it is not: no chunk has the key."""
    chunks = [
        delta(role="assistant", content=""),
        *(delta(content=word) for word in words),
        delta(finish_reason="stop"),
    ]
    return sse(*({key: value for key, value in chunk.items() if key != "usage"} for chunk in chunks))


def asked(fake):
    return fake.requests[-1][2].get("stream_options")


def read(client, **more):
    return list(client.chat.completions.create(**ASK, stream=True, **more))


def test_usage_is_recorded_though_nobody_asked_and_the_loop_sees_what_it_saw_before(client_of, fake, trail):
    fake.answer(sse(*([json_of(piece) for piece in plain_stream("Hi", "!")[:-1]])))
    before = read(client_of("api.openai.com"))
    assert asked(fake) is None
    fake.answer(sse(*(json_of(piece) | {"usage": None} for piece in plain_stream("Hi", "!")[:-1]), extra()))
    after = read(track_openai(client_of("api.openai.com")))

    assert asked(fake) == {"include_usage": True}
    assert after == before
    assert [chunk.to_json() for chunk in after] == [chunk.to_json() for chunk in before]
    assert [list(chunk.__dict__) for chunk in after] == [list(chunk.__dict__) for chunk in before]
    assert trail.span("openai.chat")["usage"] == PARTS
    assert "stream_options" not in trail.span("openai.chat")["input"]


def json_of(piece):
    return json.loads(piece.decode().removeprefix("data: "))


def extra():
    return {**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}


def test_the_users_own_request_is_not_changed(client_of, fake, trail):
    fake.answer(asked_stream("Hi"))
    body = {**ASK, "stream": True}
    client = track_openai(client_of("api.openai.com"))
    chunk = openai.types.chat.ChatCompletionChunk
    list(client.post("/chat/completions", cast_to=chunk, body=body, stream=True, stream_cls=openai.Stream[chunk]))

    assert asked(fake) == {"include_usage": True}
    assert "stream_options" not in body


@pytest.mark.parametrize("include", [True, False])
def test_what_the_caller_decided_stands(client_of, fake, trail, include):
    fake.answer(asked_stream("Hi"))
    chunks = read(track_openai(client_of("api.openai.com")), stream_options={"include_usage": include})

    assert asked(fake) == {"include_usage": include}
    assert chunks[-1].usage.total_tokens == 18


def test_other_stream_options_are_kept(client_of, fake, trail):
    fake.answer(asked_stream("Hi"))
    read(track_openai(client_of("api.openai.com")), stream_options={"include_obfuscation": False})

    assert asked(fake) == {"include_obfuscation": False, "include_usage": True}


@pytest.mark.parametrize("how", ["next", "stream helper", "with"])
def test_the_extra_chunk_is_hidden_however_the_stream_is_read(client_of, fake, trail, how):
    client = track_openai(client_of("api.openai.com"))
    fake.answer(asked_stream("Hi"))
    chunks = []
    if how == "stream helper":
        with client.chat.completions.stream(**ASK) as events:
            chunks = [event.chunk for event in events if event.type == "chunk"]
            assert events.get_final_completion().usage is None
    elif how == "next":
        stream = client.chat.completions.create(**ASK, stream=True)
        while (chunk := next(stream, None)) is not None:
            chunks.append(chunk)
    else:
        with client.chat.completions.create(**ASK, stream=True) as stream:
            chunks.extend(stream)

    assert [len(chunk.choices) for chunk in chunks] == [1, 1, 1]
    assert trail.span("openai.chat")["usage"] == PARTS


def test_an_async_stream_is_asked_too_and_its_extra_chunk_hidden(client_of, fake, trail):
    async def run():
        proxy = openai.DefaultAsyncHttpxClient(proxy=fake.url.removesuffix("/v1"))
        async with openai.AsyncOpenAI(base_url="http://api.openai.com/v1", api_key="none", http_client=proxy) as made:
            client = track_openai(made)
            fake.answer(asked_stream("Hi"))
            whole = [chunk async for chunk in await client.chat.completions.create(**ASK, stream=True)]
            fake.answer(asked_stream("Hi", "more"), wait_after=2)
            async for chunk in await client.chat.completions.create(**ASK, stream=True):
                if chunk.choices[0].delta.content:
                    break
            fake.gate.set()
            return whole

    assert [len(chunk.choices) for chunk in asyncio.run(run())] == [1, 1, 1]
    gc.collect()  # before 2.33 an end of the iterator did not close the response
    assert [(span["status"], span.get("usage")) for span in trail.spans] == [("ok", PARTS), ("cancelled", None)]


def test_a_stream_left_early_closes_its_connection_as_before(client_of, fake, trail):
    fake.answer(asked_stream("Hi", "more"), wait_after=2)
    stream = track_openai(client_of("api.openai.com")).chat.completions.create(**ASK, stream=True)
    next(stream)
    stream.close()
    fake.gate.set()

    assert stream.response.is_closed
    assert trail.tree() == "openai.chat (llm) cancelled"


def test_raw_readers_get_the_bytes_of_their_own_request(client_of, fake, trail):
    client = track_openai(client_of("api.openai.com"))
    fake.answer(chat_stream("Hi"))
    with client.chat.completions.with_streaming_response.create(**ASK, stream=True) as raw:
        list(raw.iter_lines())
    assert asked(fake) is None
    fake.answer(chat_stream("Hi"))
    list(client.chat.completions.with_raw_response.create(**ASK, stream=True).parse())
    assert asked(fake) is None


@pytest.mark.parametrize(
    ("host", "does"),
    [
        ("eu.api.openai.com", True),
        ("mine.openai.azure.com", True),
        ("api.groq.com", False),
        ("models.example.org", False),
        ("notapi.openai.com.example.org", False),
    ],
)
def test_only_hosts_known_to_take_it_are_asked(client_of, fake, trail, host, does):
    fake.answer(asked_stream("Hi") if does else plain_stream("Hi"))
    read(track_openai(client_of(host)))

    assert (asked(fake) is not None) == does


@pytest.mark.parametrize(
    ("version", "more", "does"),
    [
        ("2024-10-21", {}, True),
        ("2024-06-01", {}, False),
        ("preview", {}, True),
        ("2024-10-21", {"extra_body": {"data_sources": []}}, False),
    ],
)
def test_azure_is_asked_where_its_version_takes_it(client_of, fake, trail, version, more, does):
    fake.answer(asked_stream("Hi") if does else plain_stream("Hi"))
    azure = client_of("", openai.AzureOpenAI, azure_endpoint="http://mine.openai.azure.com", api_version=version)
    read(track_openai(azure), **more)

    assert (asked(fake) is not None) == does


def test_a_setting_turns_it_off_and_another_on_for_any_host(client_of, fake, trail):
    fake.answer(plain_stream("Hi"))
    client = track_openai(client_of("api.openai.com"), stream_usage=False)
    read(client.with_options(timeout=9))
    assert asked(fake) is None
    assert "include_usage" in trail.span("openai.chat")["metadata"]["usage_missing"]
    fake.answer(asked_stream("Hi"))
    assert len(read(track_openai(client_of("models.example.org"), stream_usage=True))) == 3
    assert asked(fake) == {"include_usage": True}


def test_instrument_asks_alike_and_has_the_same_setting(client_of, fake, trail):
    for setting, does in ((None, True), (False, False)):
        undo = instrument(stream_usage=setting)
        fake.answer(asked_stream("Hi") if does else plain_stream("Hi"))
        read(client_of("api.openai.com"))
        undo()
        assert (asked(fake) is not None) == does


def test_nobody_is_asked_when_tracing_is_off(client_of, fake, trail):
    trailmark.set_tracing_active(False)
    fake.answer(plain_stream("Hi"))
    read(track_openai(client_of("api.openai.com")))

    assert asked(fake) is None
