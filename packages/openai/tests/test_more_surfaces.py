"""Surfaces that peers miss or break."""

import asyncio

import openai
import pytest
from fake_openai import HEAD, PARTS, chat, chat_stream, delta, response, sse

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
QUESTION = {"model": "gpt-5", "input": "Say hi"}


def has(client, path):
    """Whether this version of openai has the surface."""
    for name in path.split("."):
        client = getattr(client, name, None)
    return client is not None


def only_with(client, path):
    if not has(client, path):
        pytest.skip(f"this openai has no {path}")


def test_the_beta_twin_of_chat_is_recorded_alike(client, fake, trail):
    fake.answer(chat())
    fake.answer(chat_stream("Hi"))
    client.beta.chat.completions.parse(**ASK)
    with client.beta.chat.completions.stream(**ASK) as events:
        events.until_done()

    assert trail.tree() == "openai.chat (llm) ok\nopenai.chat (llm) ok"


def test_items_of_a_response_are_kept_reasoning_and_tools_among_them(client, fake, trail):
    answer = response("Hi")
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "easy"}]}
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "weather", "arguments": '{"city":"Paris"}'}
    answer["output"] = [thought, call, *answer["output"]]
    fake.answer(answer)
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}
    client.responses.create(**QUESTION, tools=[tool])

    span = trail.span("openai.responses")
    assert span["input"]["tools"] == [tool]
    assert span["output"]["output"][:2] == [thought, call]


def test_a_stream_that_ends_incomplete_is_no_error_and_says_why(client, fake, trail):
    end = response("Hi", status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    fake.answer(sse({"type": "response.incomplete", "response": end}, done=False))
    list(client.responses.create(**QUESTION, stream=True))

    span = trail.span("openai.responses")
    assert (span["status"], span["usage"]["input"]) == ("ok", 15)
    assert span["metadata"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_a_compacted_conversation_is_recorded(client, fake, trail):
    only_with(client, "responses.compact")
    usage = response()["usage"]
    fake.answer({"id": "cmp_1", "object": "response.compaction", "created_at": 1, "output": [], "usage": usage})
    client.responses.compact(model="gpt-5", input="a long story")

    assert trail.span("openai.responses.compact")["usage"]["input"] == 15


def test_beta_responses_are_recorded_alike(client, fake, trail):
    only_with(client, "beta.responses")
    fake.answer(response("Hi"))
    client.beta.responses.create(**QUESTION)

    assert trail.span("openai.responses")["usage"]["input"] == 15


def test_a_decision_is_recorded(client, fake, trail):
    only_with(client, "decisions")
    fake.answer({"id": "d", "object": "decision", "model": "m-1", "answers": [], "usage": {"input_tokens": 3}})
    client.post("/decisions", cast_to=object, body={"model": "m", "input": "yes or no"})

    span = trail.span("openai.decisions")
    assert (span["model"], span["usage"], span["output"]) == ("m-1", {"input": 3}, {"answers": []})


def test_a_streamed_recording_keeps_its_transcript_and_names_its_sound_by_size(client, fake, trail):
    sound = "A" * 70_000
    fake.answer(
        sse(
            delta(audio={"id": "audio_1", "transcript": "Hel"}),
            delta(audio={"transcript": "lo"}),
            delta(audio={"data": sound}),
            delta(audio={"data": sound}),
            delta(finish_reason="stop"),
        )
    )
    list(client.chat.completions.create(**ASK, stream=True, modalities=["text", "audio"]))

    audio = trail.span("openai.chat")["output"]["choices"][0]["message"]["audio"]
    assert audio == {"id": "audio_1", "transcript": "Hello", "data": "<105000 bytes>"}


def test_a_transcription_billed_by_time_says_how_long_it_was(client, fake, trail):
    fake.answer({"text": "Hello", "usage": {"type": "duration", "seconds": 12}})
    client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"\0"))

    span = trail.span("openai.audio.transcriptions")
    assert (span["output"], span["usage_raw"]) == ({"text": "Hello"}, {"type": "duration", "seconds": 12})
    assert not span.get("usage")


def test_a_transcription_as_plain_text_is_that_text(client, fake, trail):
    fake.answer("Hello\n", kind="text/plain")
    got = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"\0"), response_format="text")

    assert got == "Hello\n"
    assert trail.span("openai.audio.transcriptions")["output"] == "Hello\n"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_translation_is_recorded(client, fake, trail):
    fake.answer({"text": "Hello"})
    client.audio.translations.create(model="whisper-1", file=("b.mp3", b"\0" * 7))

    span = trail.span("openai.audio.translations")
    assert (span["input"]["files"][0]["bytes"], span["output"]) == (7, {"text": "Hello"})


def test_speech_as_events_has_usage_and_no_sound(client, fake, trail):
    usage = {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}
    sound = {"type": "speech.audio.delta", "audio": "AAAA"}
    fake.answer(sse(sound, sound, {"type": "speech.audio.done", "usage": usage}, done=False))
    asked = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello", "stream_format": "sse"}
    with client.audio.speech.with_streaming_response.create(**asked) as raw:
        raw.read()

    span = trail.span("openai.audio.speech")
    assert (span["status"], span["usage"]) == ("ok", {"input": 3, "output": 9})
    assert "AAAA" not in str(span["output"])


def test_plain_completions_keep_each_choice_and_their_usage(client, fake, trail):
    choice = {"logprobs": None, "finish_reason": "stop"}
    head = {**HEAD, "object": "text_completion"}
    texts = [{**head, "choices": [{**choice, "index": n, "text": f"{n}"}]} for n in (1, 0)]
    usage = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    fake.answer(sse(*texts, {**head, "choices": [], "usage": usage}))
    asked = {"model": "m", "prompt": "p", "n": 2, "stream_options": {"include_usage": True}}
    list(client.completions.create(**asked, stream=True))

    span = trail.span("openai.completions")
    assert [choice["text"] for choice in span["output"]["choices"]] == ["0", "1"]
    assert span["usage"] == {"input": 2, "output": 3}


def test_an_agents_turn_is_an_agent_span_with_its_usage(client, fake, trail):
    turn = {"id": "turn_1", "usage": {"input_tokens": 3, "output_tokens": 4}}
    fake.answer(sse({"type": "turn.started"}, {"type": "turn.completed", "turn": turn}, done=False))
    asked = {"agent": "a", "input": "go"}
    stream = client.post("/agents/sessions", cast_to=object, body=asked, stream=True, stream_cls=openai.Stream[object])
    list(stream)

    assert trail.tree() == "openai.agents.sessions (agent) ok"
    assert trail.span("openai.agents.sessions")["usage"] == {"input": 3, "output": 4}


def test_a_search_is_a_retriever_span(client, fake, trail):
    found = {"file_id": "file-1", "filename": "a.md", "score": 0.9, "content": [{"type": "text", "text": "Paris"}]}
    page = {"object": "vector_store.search_results.page", "search_query": ["capital"], "data": [found]}
    fake.answer({**page, "has_more": False, "next_page": None})
    client.vector_stores.search("vs_1", query="capital")

    assert trail.tree() == "openai.vector_stores.search (retriever) ok"
    assert trail.span("openai.vector_stores.search")["output"]["data"] == [found]


def test_async_embeddings_pictures_and_raw_answers_are_recorded_alike(new_async_client, fake, trail):
    data = [{"object": "embedding", "index": 0, "embedding": [0.0] * 5}]
    fake.answer({"object": "list", "data": data, "model": "e", "usage": {"prompt_tokens": 5, "total_tokens": 5}})
    fake.answer({"created": 1, "data": [{"b64_json": "A" * 4000}]})
    fake.answer(chat("Hi"))

    async def run():
        async with new_async_client() as client:
            await client.embeddings.create(model="e", input="a", encoding_format="float")
            await client.images.generate(prompt="a cat")
            raw = await client.chat.completions.with_raw_response.create(**ASK)
            return raw.parse().choices[0].message.content

    assert asyncio.run(run()) == "Hi"
    vectors, picture, answer = trail.spans
    assert vectors["output"] == {"embeddings": 1, "dimensions": 5}
    assert picture["output"]["data"] == [{"b64_json": "<3000 bytes>"}]
    assert answer["usage"] == PARTS
