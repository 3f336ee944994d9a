"""Work that goes on after its call returned: one span, whoever looks for the answer, however often."""

import asyncio
import gc

import openai
import pytest
from fake_openai import response, sse

ASK = {"model": "gpt-5", "input": "Write a book", "background": True}


def waiting(status="queued", **more):
    return response(status=status, output=[], usage=None, background=True, **more)


def done(text="A book", **more):
    return response(text, background=True, completed_at=1700000042, **more)


def text_of(span):
    return span["output"]["output"][0]["content"][0]["text"]


def test_a_background_response_is_one_span_with_the_answer_found_later(client, fake, trail):
    for answer in (waiting(), waiting(), waiting("in_progress"), done()):
        fake.answer(answer)
    asked = client.responses.create(**ASK)
    statuses = [client.responses.retrieve(asked.id).status for _ in range(3)]

    assert statuses == ["queued", "in_progress", "completed"]
    assert trail.tree() == "openai.responses (llm) ok"
    span = trail.span("openai.responses")
    assert (text_of(span), span["usage"]["input"]) == ("A book", 15)
    assert span["metadata"]["took_s"] == 42


def test_until_it_is_there_the_span_says_what_is_known(client, fake, trail):
    fake.answer(waiting())
    client.responses.create(**ASK)

    span = trail.span("openai.responses")
    assert (span["status"], span["output"]) == ("ok", {"output": [], "status": "queued"})
    assert "usage" not in span


def test_one_that_failed_later_is_an_error(client, fake, trail):
    fake.answer(waiting())
    fake.answer(waiting("failed", error={"code": "server_error", "message": "it broke"}))
    client.responses.retrieve(client.responses.create(**ASK).id)

    span = trail.span("openai.responses")
    assert (span["status"], span["error"]["message"]) == ("error", "server_error: it broke")


def test_a_look_that_failed_is_no_failure_of_the_work(client, fake, trail):
    fake.answer(waiting())
    fake.answer({"error": {"message": "gone"}}, status=404)
    fake.answer(done())
    asked = client.responses.create(**ASK)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(asked.id)
    client.responses.retrieve(asked.id)

    span = trail.span("openai.responses")
    assert (span["status"], text_of(span)) == ("ok", "A book")


def test_one_that_is_called_off_says_so(client, fake, trail):
    fake.answer(waiting())
    fake.answer(waiting("cancelled"))
    client.responses.cancel(client.responses.create(**ASK).id)

    assert trail.tree() == "openai.responses (llm) ok"
    assert trail.span("openai.responses")["output"]["status"] == "cancelled"


def test_its_stream_can_be_left_and_taken_up_again(client, fake, trail):
    text = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "A "}
    fake.answer(sse({"type": "response.created", "response": waiting("in_progress")}, text, text), wait_after=2)
    fake.answer(sse(text, {"type": "response.completed", "response": done()}))
    with client.responses.create(**ASK, stream=True) as events:
        next(events), next(events)
    fake.gate.set()
    gc.collect()
    assert (trail.span("openai.responses")["status"], text_of(trail.span("openai.responses"))) == ("ok", "A ")
    list(client.responses.retrieve("resp_1", stream=True, starting_after=1))

    assert trail.tree() == "openai.responses (llm) ok"
    assert text_of(trail.span("openai.responses")) == "A book"


def test_a_stranger_is_looked_up_without_a_span(client, fake, trail):
    fake.answer(done(id="resp_of_another_process"))
    client.responses.retrieve("resp_of_another_process")

    assert trail.spans == []


def test_async_looks_are_the_same(new_async_client, fake, trail):
    fake.answer(waiting())
    fake.answer(done())

    async def run():
        async with new_async_client() as client:
            await client.responses.retrieve((await client.responses.create(**ASK)).id)

    asyncio.run(run())
    assert trail.tree() == "openai.responses (llm) ok"
    assert text_of(trail.span("openai.responses")) == "A book"


BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file-1",
    "completion_window": "24h",
    "created_at": 1,
}


def test_a_batch_is_a_plain_span_with_its_outcome_found_later(client, fake, trail):
    usage = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150}
    fake.answer({**BATCH, "status": "validating"})
    fake.answer({**BATCH, "status": "in_progress"})
    fake.answer({**BATCH, "status": "completed", "output_file_id": "file-2", "usage": usage})
    client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
    client.batches.retrieve("batch_1")
    client.batches.retrieve("batch_1")

    assert trail.tree() == "openai.batches (general) ok"
    span = trail.span("openai.batches")
    assert span["input"]["input_file_id"] == "file-1"
    assert (span["output"]["output_file_id"], span["usage"]) == ("file-2", {"input": 100, "output": 50})


def test_files_go_up_and_down_as_plain_spans_without_their_content(client, fake, trail):
    known = {"id": "file-1", "object": "file", "bytes": 9, "created_at": 1, "filename": "a.jsonl", "purpose": "batch"}
    fake.answer({**known, "status": "processed"})
    fake.answer(b"{}\n{}\n", kind="application/octet-stream")
    client.files.create(file=("a.jsonl", b'{"a": 1}\n'), purpose="batch")
    client.files.content("file-1").read()

    up, down = trail.spans
    assert (up["name"], up["type"], down["name"]) == ("openai.files", "general", "openai.files.content")
    assert up["input"]["files"] == [{"field": "file", "name": "a.jsonl", "bytes": 9}]
    assert down["output"] == {"bytes": 6, "content_type": "application/octet-stream"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_video_is_done_when_somebody_finds_it_done(client, fake, trail):
    if not hasattr(client, "videos"):
        pytest.skip("this openai has no videos")
    video = {"id": "video_1", "object": "video", "created_at": 1, "model": "sora-2", "progress": 0, "seconds": "4"}
    fake.answer({**video, "status": "queued", "size": "720x1280"})
    fake.answer({**video, "status": "completed", "progress": 100, "size": "720x1280"})
    client.videos.create_and_poll(model="sora-2", prompt="a cat", poll_interval_ms=1)

    assert trail.tree() == "openai.videos (llm) ok"
    assert trail.span("openai.videos")["output"]["status"] == "completed"


RUN = {"id": "run_1", "object": "thread.run", "created_at": 1, "thread_id": "thread_1", "model": "gpt-4o"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_of_an_assistant_is_one_span_with_its_usage(client, fake, trail):
    fake.answer({**RUN, "status": "queued"}, headers={"openai-poll-after-ms": "1"})
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    fake.answer({**RUN, "status": "completed", "usage": usage})
    client.beta.threads.runs.create_and_poll(thread_id="thread_1", assistant_id="asst_1", poll_interval_ms=1)

    assert trail.tree() == "openai.threads.runs (llm) ok"
    assert trail.span("openai.threads.runs")["usage"] == {"input": 9, "output": 4}
