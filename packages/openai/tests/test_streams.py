import asyncio
import gc
import gzip
import importlib
import threading

import openai
import pytest
import trailmark
from fake_openai import HEAD, PARTS, USAGE, chat_stream, delta, sse

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def said(span, choice=0):
    return span["output"]["choices"][choice]["message"]["content"]


def stream(client, **more):
    return client.chat.completions.create(**ASK, stream=True, **more)


def test_a_stream_read_to_its_end_is_one_answer(client, fake, trail):
    fake.answer(chat_stream("Hel", "lo"))
    words = [chunk.choices[0].delta.content for chunk in stream(client)]

    assert words == ["", "Hel", "lo", None]
    span = trail.span("openai.chat")
    assert (span["status"], said(span)) == ("ok", "Hello")
    assert span["model"] == "gpt-4o-mini-2024-07-18"
    assert span["metadata"]["finish_reasons"] == ["stop"]
    assert span["start_us"] < span["first_token_us"] < span["end_us"]


def test_usage_of_a_stream_is_there_when_the_caller_asked_for_it(client, fake, trail):
    fake.answer(chat_stream("Hi", usage=USAGE))
    chunks = list(stream(client, stream_options={"include_usage": True}))

    assert chunks[-1].usage.total_tokens == 18
    assert trail.span("openai.chat")["usage"] == PARTS


def test_without_it_the_request_is_not_changed_and_the_span_says_why_usage_is_missing(client, fake, trail):
    fake.answer(chat_stream("Hi"))
    list(stream(client))

    assert set(fake.requests[0][2]) == {"model", "messages", "stream"}
    span = trail.span("openai.chat")
    assert "usage" not in span
    assert "include_usage" in span["metadata"]["usage_missing"]


def test_the_chunks_are_those_of_a_bare_client(client, fake, trail):
    fake.answer(chat_stream("a", "b", usage=USAGE))
    fake.answer(chat_stream("a", "b", usage=USAGE))
    with openai.OpenAI(base_url=fake.url, api_key="none") as bare:
        ours, theirs = stream(client), stream(bare)
        assert type(ours) is type(theirs)
        assert list(ours) == list(theirs)


def test_a_stream_read_by_next_ends_its_span(client, fake, trail):
    fake.answer(chat_stream("Hi"))
    chunks = stream(client)
    while next(chunks, None):
        pass

    assert trail.tree() == "openai.chat (llm) ok"


def leave_by_close(chunks):
    for chunk in chunks:
        if chunk.choices[0].delta.content:
            break
    chunks.close()


def leave_by_with(chunks):
    with chunks:
        next(chunks), next(chunks)


def leave_by_dropping(chunks):
    next(chunks), next(chunks)  # the SDK's stream is a cycle of its own: it is the collector that closes it


@pytest.mark.parametrize("leave", [leave_by_close, leave_by_with, leave_by_dropping])
def test_a_stream_left_early_is_cancelled_with_what_was_said(client, fake, trail, leave):
    fake.answer(chat_stream("Hi", " and", " more"), wait_after=2)
    leave(stream(client))
    fake.gate.set()
    gc.collect()

    span = trail.span("openai.chat")
    assert (span["status"], said(span)) == ("cancelled", "Hi")


def test_a_stream_never_read_and_closed_is_cancelled(client, fake, trail):
    fake.answer(chat_stream("Hi"))
    stream(client).close()

    assert trail.tree() == "openai.chat (llm) cancelled"


def test_a_stream_never_read_and_dropped_is_cancelled(client, fake, trail):
    fake.answer(chat_stream("Hi"))
    stream(client)
    gc.collect()

    assert trail.tree() == "openai.chat (llm) cancelled"


def type_of_cut():
    """openai lets the transport's own exception through, before it was built on httpx2."""
    modules = [cls.__module__.partition(".")[0] for cls in type(openai.OpenAI(api_key="none")._client).__mro__]
    [transport] = {module for module in modules if module.startswith("httpx")}
    return importlib.import_module(transport).RemoteProtocolError


def test_a_connection_cut_in_a_stream_is_an_error_with_what_was_said(client, fake, trail):
    fake.answer(chat_stream("Hi")[:2], cut=True)
    with pytest.raises((openai.APIConnectionError, type_of_cut())):
        list(stream(client))

    span = trail.span("openai.chat")
    assert (span["status"], said(span)) == ("error", "Hi")
    assert span["error"]["type"].endswith("RemoteProtocolError")


def test_an_error_told_in_a_stream_is_an_error_with_what_was_said(client, fake, trail):
    told = {"error": {"message": "the server is overloaded", "code": "overloaded"}}
    fake.answer(sse(delta(content="Hi"), told))
    with pytest.raises(openai.APIError), stream(client) as pieces:  # before 2.33 an error did not close the stream
        list(pieces)

    span = trail.span("openai.chat")
    assert (span["status"], said(span)) == ("error", "Hi")
    assert span["error"]["message"] == "overloaded: the server is overloaded"


def test_a_stream_without_a_last_word_is_complete_when_it_ended_by_itself(client, fake, trail):
    fake.answer(chat_stream("Hi")[:-1])
    list(stream(client))

    assert trail.tree() == "openai.chat (llm) ok"


def test_choices_are_kept_apart(client, fake, trail):
    fake.answer(sse(*(delta(i, content=f"{i}{part}") for part in "ab" for i in (2, 0, 1))))
    list(stream(client, n=3))

    assert [said(trail.span("openai.chat"), i) for i in range(3)] == ["0a0b", "1a1b", "2a2b"]


def test_parallel_tool_calls_have_their_whole_arguments(client, fake, trail):
    def piece(index, **function):
        call = {"index": index, "function": function}
        if "name" in function:
            call |= {"id": f"call_{index}", "type": "function"}
        return delta(tool_calls=[call])

    fake.answer(
        sse(
            piece(0, name="weather", arguments=""),
            piece(1, name="time", arguments='{"zone"'),
            piece(0, arguments='{"city": '),
            piece(1, arguments=': "CET"}'),
            piece(0, arguments='"Paris"}'),
            delta(finish_reason="tool_calls"),
        )
    )
    list(stream(client))

    calls = trail.span("openai.chat")["output"]["choices"][0]["message"]["tool_calls"]
    assert [call["function"] for call in calls] == [
        {"name": "weather", "arguments": '{"city": "Paris"}'},
        {"name": "time", "arguments": '{"zone": "CET"}'},
    ]
    assert [call["id"] for call in calls] == ["call_0", "call_1"]


def test_refusal_reasoning_and_logprobs_are_in_the_output(client, fake, trail):
    token = {"token": "x", "logprob": -0.1, "bytes": None, "top_logprobs": []}
    fake.answer(
        sse(
            delta(role="assistant", refusal="I "),
            delta(refusal="can't"),
            delta(reasoning_content="be"),
            delta(reasoning_content="cause", logprobs={"content": [token], "refusal": None}),
            delta(logprobs={"content": [token], "refusal": None}),
        )
    )
    list(stream(client))

    choice = trail.span("openai.chat")["output"]["choices"][0]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": "I can't",
        "reasoning_content": "because",
    }
    assert choice["logprobs"] == {"content": [token, token]}


def test_an_empty_first_chunk_as_azure_sends_it_does_no_harm(client, fake, trail):
    fake.answer(sse({"id": "", "object": "", "created": 0, "model": "", "choices": []}, delta(content="Hi")))
    list(stream(client))

    span = trail.span("openai.chat")
    assert (span["model"], said(span)) == (HEAD["model"], "Hi")


def test_odd_boundaries_and_line_ends_change_nothing(client, fake, trail):
    data = b"".join(chat_stream("Grüße", " 👋")).replace(b"\n", b"\r\n")
    fake.answer([b": a comment\r\n\r\n", *(data[n : n + 7] for n in range(0, len(data), 7))])
    list(stream(client))

    assert said(trail.span("openai.chat")) == "Grüße 👋"


def test_a_compressed_stream_is_read_too(client, fake, trail):
    fake.answer([gzip.compress(b"".join(chat_stream("Hi")))], headers={"Content-Encoding": "gzip"})
    list(stream(client))

    assert said(trail.span("openai.chat")) == "Hi"


def test_raw_lines_of_a_streaming_response_are_recorded(client, fake, trail):
    fake.answer(chat_stream("Hi", usage=USAGE))
    with client.chat.completions.with_streaming_response.create(**ASK, stream=True) as raw:
        lines = [line for line in raw.iter_lines() if line]

    assert lines[-1] == "data: [DONE]"
    span = trail.span("openai.chat")
    assert (span["status"], said(span), span["usage"]) == ("ok", "Hi", PARTS)


def test_a_raw_stream_is_recorded_when_it_is_parsed(client, fake, trail):
    fake.answer(chat_stream("Hi"))
    list(client.chat.completions.with_raw_response.create(**ASK, stream=True).parse())

    assert trail.tree() == "openai.chat (llm) ok"


def test_two_stream_helpers_made_before_either_is_entered_keep_their_inputs(client, fake, trail):
    fake.answer(chat_stream("first"))
    fake.answer(chat_stream("second"))
    managers = [
        client.chat.completions.stream(model="m", messages=[{"role": "user", "content": question}])
        for question in ("1", "2")
    ]
    for manager in managers:
        with manager as events:
            events.until_done()

    assert [(span["input"]["messages"][0]["content"], said(span)) for span in trail.spans] == [
        ("1", "first"),
        ("2", "second"),
    ]


def test_a_stream_read_in_another_thread_stays_under_its_caller(client, fake, trail):
    fake.answer(chat_stream("Hi"))

    @trailmark.track
    def ask():
        return [stream(client)]

    reader = threading.Thread(target=list, args=ask())
    reader.start()
    reader.join()

    assert trail.tree() == "ask (general) ok\n  openai.chat (llm) ok"


def test_plain_completions_are_streams_of_text(client, fake, trail):
    choice = {"index": 0, "logprobs": None, "finish_reason": None}
    fake.answer(sse(*({**HEAD, "object": "text_completion", "choices": [{**choice, "text": t}]} for t in ("Hi", "!"))))
    list(client.completions.create(model="m", prompt="Say hi", stream=True))

    assert trail.span("openai.completions")["output"]["choices"][0]["text"] == "Hi!"


def test_an_async_stream_read_to_its_end_is_one_answer(new_async_client, fake, trail):
    fake.answer(chat_stream("Hel", "lo", usage=USAGE))

    async def run():
        async with new_async_client() as client:
            chunks = await client.chat.completions.create(**ASK, stream=True)
            return [chunk async for chunk in chunks]

    assert len(asyncio.run(run())) == 5
    span = trail.span("openai.chat")
    assert (span["status"], said(span), span["usage"]) == ("ok", "Hello", PARTS)
    assert span["first_token_us"] < span["end_us"]


def test_an_async_stream_left_and_closed_is_cancelled(new_async_client, fake, trail):
    fake.answer(chat_stream("Hi", " more"), wait_after=2)

    async def run():
        async with new_async_client() as client:
            chunks = await client.chat.completions.create(**ASK, stream=True)
            async for chunk in chunks:
                if chunk.choices[0].delta.content:
                    break
            await chunks.close()
            fake.gate.set()

    asyncio.run(run())
    span = trail.span("openai.chat")
    assert (span["status"], said(span)) == ("cancelled", "Hi")


def test_an_async_stream_left_and_dropped_is_cancelled_when_the_loop_ends_it(new_async_client, fake, trail):
    fake.answer(chat_stream("Hi", " more"), wait_after=2)

    async def run():
        async with new_async_client() as client:
            async for chunk in await client.chat.completions.create(**ASK, stream=True):
                if chunk.choices[0].delta.content:
                    break
            fake.gate.set()

    asyncio.run(run())
    gc.collect()
    span = trail.span("openai.chat")
    assert (span["status"], said(span)) == ("cancelled", "Hi")


def test_a_task_cancelled_in_a_stream_is_cancelled_with_what_was_said(new_async_client, fake, trail):
    fake.answer(chat_stream("Hi", " more"), wait_after=2)

    async def run():
        async with new_async_client() as client:
            has_word = asyncio.Event()

            async def read():
                async for chunk in await client.chat.completions.create(**ASK, stream=True):
                    if chunk.choices[0].delta.content:
                        has_word.set()

            task = asyncio.create_task(read())
            await has_word.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            fake.gate.set()

    asyncio.run(run())
    span = trail.span("openai.chat")
    assert (span["status"], said(span)) == ("cancelled", "Hi")
    assert "error" not in span


def test_async_helpers_and_raw_lines_are_recorded(new_async_client, fake, trail):
    fake.answer(chat_stream("one"))
    fake.answer(chat_stream("two"))

    async def run():
        async with new_async_client() as client:
            async with client.chat.completions.stream(**ASK) as events:
                await events.until_done()
            async with client.chat.completions.with_streaming_response.create(**ASK, stream=True) as raw:
                return [line async for line in raw.iter_lines()]

    asyncio.run(run())
    assert [(span["status"], said(span)) for span in trail.spans] == [("ok", "one"), ("ok", "two")]
