import asyncio
import base64

import openai
from fake_openai import HEAD, chat, response, sse
from pydantic import BaseModel

QUESTION = {"model": "gpt-5", "input": "Say hi"}
PARTS = {"input": 15, "input_cached": 5, "output": 3, "output_reasoning": 6}


def started(**more):
    return {"type": "response.created", "response": response(status="in_progress", output=[], usage=None, **more)}


def text_delta(text, index=0):
    return {"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": text}


def test_a_response_is_recorded_with_items_and_usage(client, fake, trail):
    fake.answer(response("Hi"))

    assert client.responses.create(**QUESTION, reasoning={"effort": "low"}).output_text == "Hi"
    span = trail.span("openai.responses")
    assert span["input"] == {"input": "Say hi", "reasoning": {"effort": "low"}}
    assert span["output"]["output"][0]["content"][0]["text"] == "Hi"
    assert (span["model"], span["usage"]) == ("gpt-5-2025-08-07", PARTS)


def test_a_parsed_response_stays_typed(client, fake, trail):
    class City(BaseModel):
        name: str

    fake.answer(response('{"name": "Paris"}'))

    assert client.responses.parse(**QUESTION, text_format=City).output_parsed == City(name="Paris")
    assert trail.tree() == "openai.responses (llm) ok"


def test_a_streamed_response_is_the_one_that_ends_it(client, fake, trail):
    fake.answer(sse(started(), text_delta("H"), {"type": "response.completed", "response": response("Hi")}, done=False))
    kinds = [event.type for event in client.responses.create(**QUESTION, stream=True)]

    assert kinds == ["response.created", "response.output_text.delta", "response.completed"]
    span = trail.span("openai.responses")
    assert (span["status"], span["usage"]) == ("ok", PARTS)
    assert span["output"]["output"][0]["content"][0]["text"] == "Hi"
    assert "first_token_us" in span


def test_the_stream_helper_of_responses_is_recorded(client, fake, trail):
    item = response()["output"][0]
    added = {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}}
    part = {"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": item["content"][0]}
    fake.answer(sse(started(), added, part, text_delta("Hi"), {"type": "response.completed", "response": response()}))
    with client.responses.stream(**QUESTION) as events:
        assert events.get_final_response().output_text == "Hi"

    assert trail.tree() == "openai.responses (llm) ok"


def test_a_streamed_response_left_early_keeps_what_was_said(client, fake, trail):
    call = {"type": "function_call", "name": "weather", "arguments": ""}
    fake.answer(
        sse(
            started(),
            text_delta("Hel"),
            text_delta("lo"),
            {"type": "response.output_item.added", "output_index": 1, "item": call},
            {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"city"'},
            text_delta("never", 2),
        ),
        wait_after=5,
    )
    events = client.responses.create(**QUESTION, stream=True)
    for _ in range(5):
        next(events)
    events.close()
    fake.gate.set()

    span = trail.span("openai.responses")
    assert (span["status"], span["model"]) == ("cancelled", "gpt-5-2025-08-07")
    assert span["output"]["output"] == [
        {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]},
        {**call, "arguments": '{"city"'},
    ]


FAILED = response(status="failed", output=[], error={"code": "server_error", "message": "it broke"})


def test_a_response_that_failed_is_an_error_the_user_does_not_get(client, fake, trail):
    fake.answer(FAILED)
    client.responses.create(**QUESTION)

    error = trail.span("openai.responses")["error"]
    assert (error["type"], error["message"]) == ("trailmark_openai.ResponseFailedError", "server_error: it broke")


def test_a_stream_that_failed_is_an_error_the_user_does_not_get(client, fake, trail):
    fake.answer(sse(started(), {"type": "response.failed", "response": FAILED}, done=False))
    list(client.responses.create(**QUESTION, stream=True))

    assert trail.span("openai.responses")["error"]["message"] == "server_error: it broke"


def test_an_error_event_is_an_error(client, fake, trail):
    told = {"type": "error", "code": "rate", "message": "slow down", "param": None, "sequence_number": 1}
    fake.answer(sse(started(), told, done=False))
    list(client.responses.create(**QUESTION, stream=True))

    assert trail.span("openai.responses")["error"]["message"] == "rate: slow down"


def test_an_incomplete_response_is_no_error_and_says_why(client, fake, trail):
    fake.answer(response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}))
    client.responses.create(**QUESTION)

    span = trail.span("openai.responses")
    assert span["status"] == "ok"
    assert span["metadata"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_embeddings_are_counted_never_kept(client, fake, trail):
    vector = base64.b64encode(b"\0\0\0\0" * 8).decode()
    data = [{"object": "embedding", "index": n, "embedding": vector} for n in range(2)]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    fake.answer({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage})

    assert len(client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data[1].embedding) == 8
    span = trail.span("openai.embeddings")
    assert span["type"] == "embedding"
    assert span["input"]["input"] == ["a", "b"]
    assert span["output"] == {"embeddings": 2, "dimensions": 8}
    assert span["usage"] == {"input": 5}


def test_a_plain_completion_is_recorded(client, fake, trail):
    choice = {"index": 0, "text": "Hi", "logprobs": None, "finish_reason": "stop"}
    fake.answer({**HEAD, "object": "text_completion", "choices": [choice]})
    client.completions.create(model="m", prompt="Say hi")

    assert trail.span("openai.completions")["output"]["choices"][0]["text"] == "Hi"


def test_pictures_are_named_by_their_size(client, fake, trail):
    usage = {"input_tokens": 4, "output_tokens": 90, "total_tokens": 94}
    fake.answer({"created": 1, "data": [{"b64_json": "A" * 4000, "revised_prompt": "a cat"}], "usage": usage})
    client.images.generate(prompt="a cat", model="gpt-image-1")

    span = trail.span("openai.images.generate")
    assert span["output"]["data"] == [{"b64_json": "<3000 bytes>", "revised_prompt": "a cat"}]
    assert span["usage"] == {"input": 4, "output": 90}


def test_media_anywhere_in_an_answer_are_named_by_their_size_and_long_texts_are_kept(client, fake, trail):
    story = "Once upon a time. " * 5000
    picture = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBOR" + "A" * 99_995}
    answer = response(story)
    answer["output"].append(picture)
    fake.answer(answer)
    fake.answer(chat("", audio={"id": "a", "data": "A" * 100_000, "expires_at": 1, "transcript": "Hi"}))
    assert client.responses.create(**QUESTION).output[1].result == picture["result"]
    client.chat.completions.create(model="m", messages=[], modalities=["audio"])

    made, spoken = trail.spans
    assert made["output"]["output"][0]["content"][0]["text"] == story
    assert made["output"]["output"][1]["result"] == "<75000 bytes>"
    assert spoken["output"]["choices"][0]["message"]["audio"] == {
        "id": "a",
        "data": "<75000 bytes>",
        "expires_at": 1,
        "transcript": "Hi",
    }


def test_media_anywhere_in_a_request_are_named_by_their_size_and_long_texts_are_kept(client, fake, trail):
    story = "Once upon a time. " * 5000
    screen = {"type": "computer_screenshot", "image_url": "data:image/png;base64," + "A" * 100_000}
    fake.answer(response())
    asked = [
        {"role": "user", "content": story},
        {"type": "computer_call_output", "call_id": "c", "output": screen},
        {"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "A" * 100_000}]},
    ]
    client.responses.create(model="m", input=asked)

    said, shown, attached = trail.span("openai.responses")["input"]["input"]
    assert said == asked[0]
    assert shown["output"]["image_url"].startswith("[input-attachment-1-")
    assert attached["content"] == [{"type": "input_file", "filename": "a.pdf", "file_data": "<75000 bytes>"}]
    assert fake.requests[0][2]["input"] == asked


def test_a_streamed_picture_is_named_by_its_size(client, fake, trail):
    usage = {"input_tokens": 4, "output_tokens": 90, "total_tokens": 94}
    made = {"type": "image_generation.completed", "b64_json": "A" * 4000, "size": "1024x1024", "usage": usage}
    fake.answer(sse({"type": "image_generation.partial_image", "b64_json": "A" * 400}, made, done=False))
    asked = {"prompt": "a cat", "model": "gpt-image-1", "stream": True, "partial_images": 1}
    images = "/images/generations"  # older versions have no argument for it
    list(client.post(images, cast_to=object, body=asked, stream=True, stream_cls=openai.Stream[object]))

    span = trail.span("openai.images.generate")
    assert (span["status"], span["output"]["b64_json"]) == ("ok", "<3000 bytes>")
    assert span["usage"] == {"input": 4, "output": 90}


def test_an_edited_picture_names_the_files_it_was_made_of(client, fake, trail):
    fake.answer({"created": 1, "data": [{"url": "https://example.org/1.png"}]})
    client.images.edit(image=[("a.png", b"\0" * 10), ("b.png", b"\0" * 20)], prompt="a hat", model="gpt-image-1")

    files = trail.span("openai.images.edit")["input"]["files"]
    assert [(file["name"], file["bytes"]) for file in files] == [("a.png", 10), ("b.png", 20)]


def test_a_transcription_names_its_file_and_has_its_text(client, fake, trail):
    usage = {"type": "tokens", "input_tokens": 30, "input_token_details": {"audio_tokens": 25}, "output_tokens": 5}
    fake.answer({"text": "Hello", "usage": usage})
    client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", b"\0" * 99))

    span = trail.span("openai.audio.transcriptions")
    assert span["input"]["files"] == [{"field": "file", "name": "a.wav", "bytes": 99}]
    assert span["output"] == {"text": "Hello"}
    assert span["usage"] == {"input": 5, "input_audio": 25, "output": 5}


def test_a_streamed_transcription_has_its_text(client, fake, trail):
    events = [{"type": "transcript.text.delta", "delta": t} for t in ("Hel", "lo")]
    fake.answer(sse(*events, {"type": "transcript.text.done", "text": "Hello", "usage": {"input_tokens": 3}}))
    list(client.audio.transcriptions.create(model="m", file=("a.wav", b"\0"), stream=True))

    span = trail.span("openai.audio.transcriptions")
    assert (span["output"], span["usage"]) == ({"text": "Hello"}, {"input": 3})


def test_speech_is_counted_in_bytes(client, fake, trail):
    fake.answer([b"\0" * 500, b"\0" * 500], kind="audio/mpeg")
    fake.answer([b"\0" * 500, b"\0" * 500], kind="audio/mpeg")
    asked = {"model": "tts-1", "voice": "alloy", "input": "Hello"}
    assert len(client.audio.speech.create(**asked).content) == 1000
    with client.audio.speech.with_streaming_response.create(**asked) as raw:
        assert sum(map(len, raw.iter_bytes())) == 1000

    for span in trail.spans:
        assert (span["status"], span["output"]) == ("ok", {"bytes": 1000, "content_type": "audio/mpeg"})


def test_moderations_are_guardrails(client, fake, trail):
    result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
    fake.answer({"id": "m", "model": "omni-moderation-latest", "results": [result]})
    client.moderations.create(input="hello")

    assert trail.tree() == "openai.moderations (guardrail) ok"
    assert trail.span("openai.moderations")["output"] == {"results": [result]}


def test_a_surface_nobody_has_met_is_recorded_under_its_path(client, fake, trail):
    fake.answer({"wonder": 1, "usage": {"input_tokens": 2}})
    fake.answer(sse({"type": "wonder.happened", "size": 3}))
    client.post("/wonders/wnd_123/make", cast_to=object, body={"model": "w", "how": "quickly"})
    list(client.post("/wonders", cast_to=object, body={"a": 1}, stream=True, stream_cls=openai.Stream[object]))

    one, many = trail.spans
    assert (one["name"], one["input"], one["output"]) == ("openai.wonders.make", {"how": "quickly"}, {"wonder": 1})
    assert many["output"]["events"] == [{"type": "wonder.happened", "size": 3}]


def test_what_only_administers_makes_no_span(client, fake, trail):
    fake.answer({"object": "list", "data": []})
    fake.answer(response())
    client.models.list()
    client.responses.retrieve("resp_1")

    assert trail.spans == []


def test_async_surfaces_are_recorded_alike(new_async_client, fake, trail):
    fake.answer(response("one"))
    fake.answer(sse(started(), text_delta("two"), {"type": "response.completed", "response": response("two")}))

    async def run():
        async with new_async_client() as client:
            await client.responses.create(**QUESTION)
            async for _ in await client.responses.create(**QUESTION, stream=True):
                pass

    asyncio.run(run())
    texts = [span["output"]["output"][0]["content"][0]["text"] for span in trail.spans]
    assert (texts, [span["status"] for span in trail.spans]) == (["one", "two"], ["ok", "ok"])
