"""Model and embedding calls: one span each, whole, to the end of their stream."""

import asyncio
import gc
import threading

import pytest
import trailmark
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms.callbacks import llm_chat_callback
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index_instrumentation.dispatcher import instrument_tags
from pydantic import BaseModel
from trailmark.instrumentation import claim_span

HI = [ChatMessage(role="user", content="Hi")]


@trailmark.track
def work(x):
    return x


class Tea(BaseModel):
    """A tea."""

    name: str


def kept():
    from trailmark_llama_index import _runs

    return [*_runs._open, *_runs._folded, *_runs._models]


@pytest.mark.parametrize("how", ["chat", "achat"])
def test_a_chat_is_one_model_span_with_what_was_said_and_counted(traced, model, how):
    target = model()
    with trailmark.span("outer"):
        answer = target.chat(HI) if how == "chat" else asyncio.run(target.achat(HI))
    assert answer.message.content == "It is tea."
    assert traced.tree() == f"outer (general) ok\n  Model.{how} (llm) ok"
    span = traced.span(f"Model.{how}")
    assert span["input"] == {"messages": [{"role": "user", "content": "Hi"}]}
    assert span["output"] == {"role": "assistant", "content": "It is tea."}
    assert span["model"] == "m-1-2026"
    assert span["usage"] == {"input": 7, "input_cached": 4, "output": 4, "output_reasoning": 3}
    assert kept() == []


def test_a_completion_is_one_model_span(traced, model):
    assert model().complete("Hi").text == "Hi"
    [span] = traced.spans
    assert (span["name"], span["type"], span["input"], span["output"]) == (
        "Model.complete",
        "llm",
        {"prompt": "Hi"},
        "Hi",
    )


def test_a_stream_ends_with_its_last_piece_and_what_the_reader_does_is_beside_it(traced, model):
    with trailmark.span("outer"):
        for piece in model().stream_chat(HI):
            work(piece.delta)
    assert traced.tree() == (
        "outer (general) ok\n  Model.stream_chat (llm) ok\n"
        "  work (general) ok\n  work (general) ok\n  work (general) ok"
    )
    span = traced.span("Model.stream_chat")
    assert span["output"] == {"role": "assistant", "content": "It is tea."}
    assert span["usage"]["output_reasoning"] == 3
    assert span["start_us"] < span["first_token_us"] < span["end_us"]
    assert span["end_us"] > traced.spans[-1]["start_us"]


def test_an_async_stream_ends_with_its_last_piece(traced, model):
    async def read():
        return [piece.delta async for piece in await model().astream_chat(HI)]

    assert asyncio.run(read()) == ["It", " is", " tea."]
    [span] = traced.spans
    assert (span["status"], span["output"]["content"]) == ("ok", "It is tea.")


def test_a_stream_left_early_is_cancelled_and_keeps_what_was_read(traced, model):
    stream = model().stream_chat(HI)
    next(stream)
    next(stream)
    stream.close()
    [span] = traced.spans
    assert (span["status"], span["output"]["content"]) == ("cancelled", "It is")
    assert kept() == []


@pytest.mark.parametrize("pieces", [0, 1])
def test_a_stream_nobody_reads_on_ends_when_it_is_collected(traced, model, pieces):
    stream = model().stream_chat(HI)
    for _ in range(pieces):
        next(stream)
    assert traced.spans[0]["status"] == "running"
    del stream
    gc.collect()
    assert [span["status"] for span in traced.spans] == ["cancelled"]
    assert kept() == []


def test_a_stream_that_breaks_is_an_error_with_what_came_before(traced, model):
    with pytest.raises(ConnectionError, match="cut off"):
        list(model("a b c d", fails_after=2).stream_chat(HI))
    [span] = traced.spans
    assert (span["status"], span["error"]["message"]) == ("error", "cut off")
    assert span["output"]["content"] == "a b"


def test_an_error_of_the_model_ends_every_span_above_it(traced, model):
    with pytest.raises(ValueError, match="too long"), trailmark.span("outer"):
        model(ValueError("too long")).chat(HI)
    assert traced.tree() == "outer (general) error\n  Model.chat (llm) error"
    assert traced.span("Model.chat")["error"]["type"] == "ValueError"


def test_two_concurrent_calls_are_two_traces(traced, model):
    async def both():
        target = model()
        await asyncio.gather(target.achat(HI), target.achat(HI))

    asyncio.run(both())
    assert len({span["trace_id"] for span in traced.spans}) == 2


def test_instrument_tags_are_metadata(traced, model):
    with instrument_tags({"user": "u-1", "llamaindex.run_id": "ours to leave out"}):
        model().chat(HI)
    assert traced.spans[0]["metadata"] == {"user": "u-1"}


def test_a_provider_hook_adds_to_the_models_span_and_opens_none(traced, model):
    class Provider(type(model())):
        @llm_chat_callback()
        def chat(self, messages, **kwargs):
            claimed = claim_span()
            claimed.update(usage={"input": 100, "output": 1}, model="m-9")
            assert claim_span() is None
            return super().chat(messages, **kwargs)

    Provider(answers=["Yes."]).chat(HI)
    [span] = traced.spans
    assert span["name"] == "Provider.chat"
    assert span["usage"] == {"input": 100, "output": 1}


def provider_of(model, claimed):
    """A model that asks its provider while its stream is read, once."""

    class Provider(type(model())):
        def _pieces(self):
            claimed.append(claim_span())
            yield from super()._pieces()

    return Provider(answers=["It is tea."])


def test_the_provider_of_a_stream_is_found_from_where_it_is_read(traced, model):
    claimed = []
    target = provider_of(model, claimed)
    with trailmark.span("outer"):
        first, second = target.stream_chat(HI), target.stream_chat(HI)
        assert claim_span() is None  # nobody is asked yet
        list(second)
        thread = threading.Thread(target=list, args=(first,))
        thread.start()
        thread.join()
    spans = [span["id"] for span in traced.spans if span["type"] == "llm"]
    assert [span.id for span in claimed] == spans[::-1]
    assert claim_span() is None


def test_the_provider_of_an_awaited_stream_is_found_too(traced, model):
    claimed = []
    target = provider_of(model, claimed)

    async def read():
        return [piece.delta async for piece in await target.astream_chat(HI)]

    async def both():
        return await asyncio.gather(read(), read())

    asyncio.run(both())
    assert sorted(span.id for span in claimed) == sorted(span["id"] for span in traced.spans)


def test_messages_show_their_tool_calls_thoughts_and_the_size_of_their_media(traced, model):
    asked = [
        ChatMessage(
            role="user",
            blocks=[TextBlock(text="What is it?"), ImageBlock(image=b"\x89PNG" * 100, image_mimetype="image/png")],
        ),
        ChatMessage(role="assistant", blocks=[ThinkingBlock(content="Hm."), TextBlock(text="Tea.")]),
        ChatMessage(
            role="tool",
            content="3",
            additional_kwargs={"tool_call_id": "c1", "tool_calls": [{"id": "c2", "name": "add"}]},
        ),
    ]
    model(("add", {"a": 1})).chat(asked, tools=[FunctionTool.from_defaults(work, description="Works.")])
    [span] = traced.spans
    [picture, thought, tool] = span["input"]["messages"]
    assert picture["content"] == "What is it?"
    assert picture["blocks"] == [{"type": "image", "base64_bytes": 536}]
    assert (thought["thinking"], thought["content"]) == ("Hm.", "Tea.")
    assert (tool["tool_call_id"], tool["tool_calls"]) == ("c1", [{"id": "c2", "name": "add"}])
    assert span["input"]["tools"] == [{"name": "work", "description": "Works."}]
    assert span["output"]["tool_calls"] == [{"id": "call-1", "name": "add", "arguments": {"a": 1}}]


def test_a_structured_answer_is_a_chain_around_its_call_and_its_tool(traced, model):
    answer = model(("Tea", {"name": "green"})).structured_predict(Tea, PromptTemplate("A {what}."), what="tea")
    assert answer == Tea(name="green")
    assert traced.tree() == (
        "Model.structured_predict (chain) ok\n  Model.predict_and_call (chain) ok\n"
        "    Model.chat (llm) ok\n    Tea (tool) ok"
    )
    assert traced.spans[0]["input"] == {"output_cls": "Tea", "prompt": "A {what}.", "prompt_args": {"what": "tea"}}
    assert traced.spans[0]["output"] == {"name": "green"}


def test_embeddings_are_a_count_and_dimensions_never_vectors(traced):
    embed = MockEmbedding(embed_dim=8, model_name="e-1", embed_batch_size=10)
    with trailmark.span("outer"):
        assert len(embed.get_text_embedding_batch([f"Text {number}." for number in range(25)])) == 25
        embed.get_query_embedding("What?")
        asyncio.run(embed.aget_text_embedding("Text."))
    spans = traced.spans[1:]
    assert [span["type"] for span in spans] == ["embedding"] * 3
    assert [span["output"] for span in spans] == [{"embeddings": count, "dimensions": 8} for count in (25, 1, 1)]
    assert {span["model"] for span in spans} == {"e-1"}


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (
            {"usage": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 3}},
            {"input": 5, "input_cached": 3, "output": 2},
        ),
        ({"usage_metadata": {"prompt_token_count": 5, "candidates_token_count": 2}}, {"input": 5, "output": 2}),
        ({"usage": {"prompt_tokens": 5, "completion_tokens": True}}, {"input": 5}),
        ({"usage": None}, None),
        (None, None),
    ],
)
def test_usage_is_read_in_the_words_of_every_provider(traced, model, raw, usage):
    class Provider(type(model())):
        @llm_chat_callback()
        def chat(self, messages, **kwargs):
            from llama_index.core.base.llms.types import ChatResponse

            return ChatResponse(message=self._answer(), raw=raw)

    Provider(answers=["Yes."]).chat(HI)
    assert traced.spans[0].get("usage") == usage
