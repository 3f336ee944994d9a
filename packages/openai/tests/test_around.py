"""Where clients come from and how they are used: module client, own transports, tasks, threads, other hosts."""

import asyncio
import importlib.util
import threading

import openai
import pytest
import trailmark
from fake_openai import PARTS, USAGE, chat, chat_stream
from trailmark_openai import instrument, track_openai

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
UNDER = "\n  openai.chat (llm) ok"


def test_the_client_of_the_module_is_recorded_when_the_process_is(fake, trail, monkeypatch):
    monkeypatch.setattr(openai, "base_url", fake.url)
    monkeypatch.setattr(openai, "api_key", "none")
    undo = instrument()
    fake.answer(chat())
    try:
        openai.chat.completions.create(**ASK)
    finally:
        undo()
        openai._reset_client()

    assert trail.tree() == "openai.chat (llm) ok"


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_transport_of_the_users_own_is_as_good(fake, trail, library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    transport = importlib.import_module(library)
    fake.answer(chat_stream("Hi", usage=USAGE))
    try:
        made = openai.OpenAI(base_url=fake.url, api_key="none", http_client=transport.Client())
    except TypeError:
        pytest.skip(f"this openai takes no client of {library}")
    with track_openai(made) as client:
        chunks = list(client.chat.completions.create(**ASK, stream=True))

    span = trail.span("openai.chat")
    assert (len(chunks), span["status"], span["usage"]) == (4, "ok", PARTS)


def test_fifty_streams_at_once_are_fifty_siblings_each_with_its_own_answer(new_async_client, fake, trail):
    for n in range(50):
        fake.answer(chat_stream(f"answer {n}"))

    @trailmark.track
    async def ask(client):
        chunks = await client.chat.completions.create(**ASK, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    @trailmark.track
    async def everything():
        async with new_async_client() as client:
            return await asyncio.gather(*(ask(client) for _ in range(50)))

    asyncio.run(everything())
    assert trail.tree() == "everything (general) ok" + "\n  ask (general) ok\n    openai.chat (llm) ok" * 50
    heard = {span["id"]: span["output"] for span in trail.spans if span["name"] == "ask"}
    said = {
        span["parent_id"]: span["output"]["choices"][0]["message"]["content"]
        for span in trail.spans
        if span["name"] == "openai.chat"
    }
    assert said == heard


def test_a_stream_read_by_another_task_stays_under_its_caller(new_async_client, fake, trail):
    fake.answer(chat_stream("Hi"))

    async def run():
        async with new_async_client() as client:

            @trailmark.track
            async def ask():
                return await client.chat.completions.create(**ASK, stream=True)

            @trailmark.track
            async def read(stream):
                return [chunk async for chunk in stream]

            await asyncio.create_task(read(await ask()))

    asyncio.run(run())
    assert trail.tree() == f"ask (general) ok{UNDER}\nread (general) ok"


def test_streams_of_two_threads_on_one_client_are_kept_apart(client, fake, trail):
    starting = threading.Barrier(2)

    @trailmark.track
    def ask(word):
        starting.wait()
        return list(client.chat.completions.create(**ASK, stream=True, user=word))

    fake.answer(chat_stream("Hi"))
    fake.answer(chat_stream("Hi"))
    threads = [threading.Thread(target=ask, args=(word,)) for word in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    parents = {span["id"]: span["input"]["word"] for span in trail.spans if span["name"] == "ask"}
    calls = [span for span in trail.spans if span["name"] == "openai.chat"]
    assert sorted(parents[span["parent_id"]] for span in calls) == ["one", "two"]
    assert all(parents[span["parent_id"]] == span["input"]["user"] for span in calls)


@pytest.mark.parametrize(
    ("host", "provider"),
    [("openrouter.ai", "openrouter"), ("api.groq.com", "groq"), ("llm.example.org", "llm.example.org")],
)
def test_the_provider_of_a_compatible_server_is_named(client_of, fake, trail, host, provider):
    fake.answer({**chat(), "provider": "Mistral"} | {"usage": {**USAGE, "cost": 0.00042}})
    track_openai(client_of(host, path="/api/v1")).chat.completions.create(**ASK)

    assert trail.span("openai.chat")["provider"] == provider
    assert trail.span("openai.chat")["total_cost"] == 0.00042


def test_azure_by_its_host_alone_is_azure(client_of, fake, trail):
    fake.answer(chat())
    track_openai(client_of("mine.openai.azure.com", path="/openai/v1")).chat.completions.create(**ASK)

    assert trail.span("openai.chat")["provider"] == "azure"


def test_a_huge_request_reaches_the_service_whole(client, fake, trail):
    huge = "lorem ipsum " * 1_000_000
    fake.answer(chat())
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": huge}])

    assert fake.requests[0][2]["messages"][0]["content"] == huge
    assert trail.tree() == "openai.chat (llm) ok"
    assert sum(map(len, trail.raw)) < 20_000_000


def test_a_span_may_be_slow_to_deliver_and_the_call_is_not(fake, production):
    fake.answer(chat("Hi"))
    with track_openai(openai.OpenAI(base_url=fake.url, api_key="none")) as client:
        answer = client.chat.completions.create(**ASK)

    assert answer.choices[0].message.content == "Hi"


def test_timeouts_are_told_attempt_by_attempt(client, fake, trail):
    for _ in range(2):
        fake.answer(chat(), wait_after=0)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.05, max_retries=1).chat.completions.create(**ASK)
    fake.gate.set()

    attempts = trail.span("openai.chat")["metadata"]["attempts"]
    assert len(attempts) == 2
    assert all("Timeout" in attempt for attempt in attempts)


def test_two_streams_at_once_are_two_answers(client, fake, trail):
    fake.answer(chat_stream("a", "b"))
    fake.answer(chat_stream("c", "d"))
    one, two = (client.chat.completions.create(**ASK, stream=True) for _ in range(2))
    for _ in zip(one, two, strict=True):
        pass
    for rest in (one, two):
        assert list(rest) == []

    said = [span["output"]["choices"][0]["message"]["content"] for span in trail.spans]
    assert said == ["ab", "cd"]
