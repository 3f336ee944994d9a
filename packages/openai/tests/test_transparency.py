"""What users lean on is the same with and without tracking: answers, headers, retries, timeouts, errors, closing."""

import asyncio
import gc
import warnings

import openai
import pytest
from fake_openai import USAGE, chat, chat_stream, delta, response, sse
from trailmark_openai import track_openai

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
NOW = {"retry-after-ms": "1"}
NO = {"error": {"message": "no", "type": "invalid_request_error", "param": "model", "code": "bad"}}
KEY = "sk-test-0123456789abcdef"


def told(error):
    """All that a user can ask an exception."""
    facts = ("status_code", "request_id", "code", "type", "param", "body")
    causes = [type(each).__name__ for each in (error.__cause__, error.__context__) if each is not None]
    return type(error), str(error), causes, {name: getattr(error, name, None) for name in facts}


def seen_headers(fake):
    """The request headers, but those that no two requests share."""
    changing = ("host", "x-stainless-read-timeout")
    return [
        {name.lower(): value for name, value in headers.items() if name.lower() not in changing}
        for _, headers, _ in fake.requests
    ]


def plain(client):
    return client.chat.completions.create(**ASK).to_json()


def page(client):
    return client.chat.completions.create(**ASK)


def raw(client):
    answer = client.chat.completions.with_raw_response.create(**ASK)
    return answer.status_code, answer.request_id, answer.headers["x-mine"], answer.text, answer.parse().to_json()


def streaming_raw(client):
    with client.chat.completions.with_streaming_response.create(**ASK) as answer:
        return answer.headers["x-mine"], answer.is_closed, list(answer.iter_bytes()), answer.is_closed


def stream(client):
    with client.chat.completions.create(**ASK, stream=True) as chunks:
        return type(chunks).__name__, [chunk.to_json() for chunk in chunks], chunks.response.is_closed


def stream_lines(client):
    with client.chat.completions.with_streaming_response.create(**ASK, stream=True) as answer:
        return list(answer.iter_lines())


def stream_left(client):
    chunks = client.chat.completions.create(**ASK, stream=True)
    first = next(chunks).to_json()
    chunks.close()
    return first, chunks.response.is_closed


def stream_helper(client):
    with client.chat.completions.stream(**ASK) as events:
        return [event.type for event in events], events.get_final_completion().to_json()


def responses(client):
    answer = client.responses.create(model="m", input="x")
    return answer.output_text, answer.to_json()


def impatient(client):
    return client.with_options(timeout=openai.Timeout(30, read=0.2), max_retries=1).chat.completions.create(**ASK)


def once(client):
    return client.with_options(max_retries=0).chat.completions.create(**ASK).to_json()


def wrong(client):
    return client.chat.completions.create(model="m")


def closed(client):
    client.close()
    return client.is_closed(), client.with_options(max_retries=0).chat.completions.create(**ASK)


FOUR = sse(*(delta(content=word) for word in "abcd"))
SCENES = {
    "answer": (plain, [(chat(), {})]),
    "text instead of json": (page, [("<html>", {"kind": "text/html"})]),
    "cut json": (page, [('{"id": "chatcmpl', {"kind": "application/json"})]),
    "raw response": (raw, [(chat(), {"headers": {"x-mine": "1"}})]),
    "streaming response": (streaming_raw, [(chat(), {"headers": {"x-mine": "1"}})]),
    "stream": (stream, [(chat_stream("a", "b", usage=USAGE), {})]),
    "lines of a stream": (stream_lines, [(chat_stream("a", "b"), {})]),
    "stream left": (stream_left, [(FOUR, {})]),
    "stream helper": (stream_helper, [(chat_stream("a", "b"), {})]),
    "error in a stream": (stream, [(sse(delta(content="a"), NO), {})]),
    "cut stream": (stream, [(FOUR[:2], {"cut": True})]),
    "response": (responses, [(response(), {})]),
    "retries": (plain, [(NO, {"status": 429, "headers": NOW}), (NO, {"status": 500, "headers": NOW}), (chat(), {})]),
    "retries used up": (plain, [(NO, {"status": 503, "headers": NOW})] * 3),
    "no retry wanted": (once, [(NO, {"status": 503, "headers": NOW})]),
    "refused": (plain, [(NO, {"status": 400})]),
    "not allowed": (plain, [(NO, {"status": 401})]),
    "not found": (plain, [(NO, {"status": 404})]),
    "told not to retry": (plain, [(NO, {"status": 500, "headers": {"x-should-retry": "false"}})]),
    "timeouts": (impatient, [(chat(), {"wait_after": 0})] * 2),
    "argument missing": (wrong, []),
    "closed client": (closed, []),
}


def outcome(fake, scene, tracked):
    """What a user gets, and what the service is asked."""
    act, answers = scene
    fake.reset()
    for body, how in answers:
        fake.answer(body, **how)
    with openai.OpenAI(base_url=fake.url, api_key=KEY, max_retries=2) as client:
        if tracked:
            track_openai(client)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                got = act(client)
            except Exception as error:
                got = told(error)
    fake.gate.set()
    return got, [str(each.message) for each in warned], seen_headers(fake), [asked[2] for asked in fake.requests]


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_tracked_client_does_what_a_bare_one_does(fake, trail, scene):
    bare = outcome(fake, scene, tracked=False)
    tracked = outcome(fake, scene, tracked=True)

    assert tracked == bare


async def async_outcome(fake, scene, tracked):
    fake.reset()
    act, answers = scene
    for body, how in answers:
        fake.answer(body, **how)
    async with openai.AsyncOpenAI(base_url=fake.url, api_key=KEY, max_retries=2) as client:
        if tracked:
            track_openai(client)
        try:
            got = await (act(client, fake) if act is async_given_up else act(client))
        except Exception as error:
            got = told(error)
    fake.gate.set()
    return got, client.is_closed(), seen_headers(fake), [asked[2] for asked in fake.requests]


async def async_plain(client):
    return (await client.chat.completions.create(**ASK)).to_json()


async def async_raw(client):
    answer = await client.chat.completions.with_raw_response.create(**ASK)
    return answer.status_code, answer.headers["x-mine"], answer.parse().to_json()


async def async_stream(client):
    async with await client.chat.completions.create(**ASK, stream=True) as chunks:
        return type(chunks).__name__, [chunk.to_json() async for chunk in chunks], chunks.response.is_closed


async def async_left(client):
    chunks = await client.chat.completions.create(**ASK, stream=True)
    first = (await chunks.__anext__()).to_json()
    await chunks.close()
    return first, chunks.response.is_closed


async def async_helper(client):
    async with client.chat.completions.stream(**ASK) as events:
        return [event.type async for event in events]


async def async_impatient(client):
    return await client.with_options(timeout=openai.Timeout(30, read=0.2), max_retries=1).chat.completions.create(**ASK)


async def async_given_up(client, fake):
    """A task that is cancelled in its call: the same exception, nothing left behind."""
    task = asyncio.create_task(client.chat.completions.create(**ASK))
    await asyncio.to_thread(fake.reached.wait, 10)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        return type(error), error.args, task.cancelled()


ASYNC_SCENES = {
    "answer": (async_plain, [(chat(), {})]),
    "raw response": (async_raw, [(chat(), {"headers": {"x-mine": "1"}})]),
    "stream": (async_stream, [(chat_stream("a", "b", usage=USAGE), {})]),
    "stream left": (async_left, [(FOUR, {})]),
    "stream helper": (async_helper, [(chat_stream("a"), {})]),
    "cut stream": (async_stream, [(FOUR[:2], {"cut": True})]),
    "retries": (async_plain, [(NO, {"status": 429, "headers": NOW}), (chat(), {})]),
    "refused": (async_plain, [(NO, {"status": 422})]),
    "timeouts": (async_impatient, [(chat(), {"wait_after": 0})] * 2),
    "cancelled": (async_given_up, [(chat(), {"wait_after": 0})]),
}


@pytest.mark.parametrize("scene", ASYNC_SCENES.values(), ids=ASYNC_SCENES)
def test_an_async_tracked_client_does_what_a_bare_one_does(fake, trail, scene):
    bare = asyncio.run(async_outcome(fake, scene, tracked=False))
    tracked = asyncio.run(async_outcome(fake, scene, tracked=True))

    assert tracked == bare


def test_a_tracked_client_leaves_no_more_garbage_than_a_bare_one(fake, trail):
    left = []
    for tracked in (False, True):
        with openai.OpenAI(base_url=fake.url, api_key=KEY) as client:
            if tracked:
                track_openai(client)
            for _ in range(6):
                fake.answer(chat())
            plain(client)
            gc.collect()
            gc.disable()
            try:
                for _ in range(5):
                    plain(client)
                left.append(gc.collect())
            finally:
                gc.enable()

    assert left[1] <= left[0]
