"""Models over a real wire to a service on loopback, and what they count in every provider's words."""

import asyncio
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import trailmark
from langchain_core.caches import InMemoryCache
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatResult, Generation, LLMResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import BaseModel

langchain_openai = pytest.importorskip("langchain_openai")
trailmark_openai = pytest.importorskip("trailmark_openai")

sys.path.insert(0, str(Path(__file__).parents[2] / "openai" / "tests"))

from fake_openai import FakeOpenAI, chat, chat_stream, response  # noqa: E402

CORE = tuple(map(int, version("langchain-core").split(".")[:3]))
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
PARTS = {"input": 7, "input_cached": 4, "output": 4, "output_reasoning": 3}
PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])


class Tea(BaseModel):
    """A tea."""

    name: str


@trailmark.track
def work(x):
    return x


@pytest.fixture
def fake():
    with FakeOpenAI() as running:
        yield running


@pytest.fixture
def given(fake):
    return {"base_url": fake.url, "api_key": "sk-test", "max_retries": 0}


@pytest.fixture
def gpt(given):
    return lambda **more: langchain_openai.ChatOpenAI(model="gpt-4o-mini", **given, **more)


@pytest.fixture
def tracked():
    undo = trailmark_openai.instrument()
    yield
    undo()


def answer(**more):
    return {**chat(), "usage": USAGE, **more}


def answering(*results):
    """A chat model of some provider that says these, as its package makes them."""

    class Model(FakeListChatModel):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            return results[0]

    return Model(responses=[""])


def result(text="Tea.", **fields):
    return ChatResult(generations=[ChatGeneration(message=AIMessage(text, **fields))])


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "batch", "abatch"])
def test_a_chain_over_the_wire_has_provider_model_and_usage(how, config, trail, fake, gpt):
    fake.answer(answer())
    chain, asked = PROMPT | gpt() | StrOutputParser(), {"question": "?"}
    with trailmark.span("outer"):
        if how == "invoke":
            chain.invoke(asked, config)
        elif how == "batch":
            chain.batch([asked], config)
        else:
            asyncio.run(chain.ainvoke(asked, config) if how == "ainvoke" else chain.abatch([asked], config))
    assert trail.tree() == (
        "outer (general) ok\n  RunnableSequence (chain) ok\n    ChatPromptTemplate (chain) ok\n"
        "    ChatOpenAI (llm) ok\n    StrOutputParser (chain) ok"
    )
    llm = trail.span("ChatOpenAI")
    assert (llm["provider"], llm["model"], llm["usage"]) == ("openai", "gpt-4o-mini-2024-07-18", PARTS)
    assert llm["metadata"]["finish_reasons"] == ["stop"]
    assert "usage" not in trail.span("RunnableSequence")
    assert not {key for key in llm["metadata"] if key.startswith("ls_")}
    assert "tags" not in llm


@pytest.mark.parametrize("asks", [True, False])
def test_a_stream_has_usage_only_if_the_provider_was_asked_for_it(asks, config, trail, fake, gpt):
    fake.answer(chat_stream("Hel", "lo", usage=USAGE if asks else None))
    assert "".join(piece.content for piece in gpt(stream_usage=asks).stream("Hi", config)) == "Hello"
    [llm] = trail.spans
    assert llm.get("usage") == (PARTS if asks else None)
    assert llm["output"]["content"] == "Hello"
    assert llm["start_us"] < llm["first_token_us"] < llm["end_us"]


@pytest.mark.skipif(CORE < (1, 7), reason="the protocol came with langchain-core 1.7")
def test_a_models_own_protocol_of_a_stream_is_recorded_alike(config, trail, tracked, fake, gpt):
    fake.answer(chat_stream("Hel", "lo", usage=USAGE))
    said = list(gpt(stream_usage=True).stream_events("Hi", config, version="v3"))
    assert said[0]["event"] == "message-start"
    [llm] = trail.spans
    assert (llm["type"], llm["status"], llm["usage"]) == ("llm", "ok", PARTS)
    assert "Hello" in str(llm["output"]["content"])
    assert llm["start_us"] < llm["first_token_us"] < llm["end_us"]


@pytest.mark.parametrize("how", ["invoke", "stream", "ainvoke", "astream"])
def test_with_the_providers_hook_a_call_is_still_one_span(how, config, trail, tracked, fake, gpt):
    fake.answer(chat_stream("Hel", "lo", usage=USAGE) if "stream" in how else answer())

    async def collect():
        return [piece async for piece in gpt(stream_usage=True).astream("Hi", config)]

    with trailmark.span("outer"):
        if how == "invoke":
            gpt().invoke("Hi", config)
        elif how == "stream":
            list(gpt(stream_usage=True).stream("Hi", config))
        else:
            asyncio.run(gpt().ainvoke("Hi", config) if how == "ainvoke" else collect())
    assert trail.tree() == "outer (general) ok\n  ChatOpenAI (llm) ok"
    assert trail.span("ChatOpenAI")["usage"] == PARTS


def test_retries_of_the_client_are_one_span_of_the_framework(config, trail, tracked, fake, given):
    fake.answer({"error": {"message": "busy"}}, status=429, headers={"retry-after-ms": "1"})
    fake.answer(answer())
    langchain_openai.ChatOpenAI(model="gpt-4o-mini", **(given | {"max_retries": 2})).invoke("Hi", config)
    assert trail.tree() == "ChatOpenAI (llm) ok"


def test_calls_at_once_keep_what_their_own_provider_said(config, trail, tracked, fake, gpt):
    """Each answer names its question's number as its id, and the claimed span has that of its own question."""
    for _ in range(6):
        fake.answer(answer())
    model = gpt()

    async def main():
        with trailmark.span("outer"):
            await asyncio.gather(*(model.ainvoke(f"q{n}", config) for n in range(6)))

    asyncio.run(main())
    assert trail.tree() == "outer (general) ok" + "\n  ChatOpenAI (llm) ok" * 6


@pytest.mark.skipif(
    "use_responses_api" not in langchain_openai.ChatOpenAI.model_fields, reason="it came with langchain-openai 0.3.9"
)
def test_the_responses_api_is_recorded_alike(config, trail, tracked, fake, gpt):
    fake.answer(response("Hello"))
    gpt(use_responses_api=True).invoke("Hi", config)
    [llm] = trail.spans
    assert (llm["type"], llm["status"]) == ("llm", "ok")
    assert "Hello" in str(llm["output"]["content"])
    assert sum(llm["usage"].values()) == 29


def test_an_error_of_the_service_is_the_models_and_the_chains(config, trail, fake, gpt):
    fake.answer({"error": {"message": "too many"}}, status=429, headers={"x-should-retry": "false"})
    with pytest.raises(Exception, match="too many") as caught:
        (PROMPT | gpt()).invoke({"question": "?"}, config)
    assert trail.tree() == ("RunnableSequence (chain) error\n  ChatPromptTemplate (chain) ok\n  ChatOpenAI (llm) error")
    for name in ("RunnableSequence", "ChatOpenAI"):
        error = trail.span(name)["error"]
        assert error["type"].endswith(type(caught.value).__name__)
        assert "too many" in error["message"]
        assert "Traceback" in error["traceback"]


def test_a_plain_completion_counts_what_the_whole_answer_tells(config, trail, fake, given):
    fake.answer(
        {
            "id": "c1",
            "object": "text_completion",
            "created": 1,
            "model": "gpt-3.5-turbo-instruct",
            "choices": [{"index": 0, "text": "Tea.", "finish_reason": "stop", "logprobs": None}],
            "usage": USAGE,
        }
    )
    langchain_openai.OpenAI(model="gpt-3.5-turbo-instruct", **given).invoke("Hi", config)
    [llm] = trail.spans
    assert (llm["name"], llm["input"]["prompt"], llm["output"]) == ("OpenAI", "Hi", "Tea.")
    assert sum(llm["usage"].values()) == 18
    assert llm["usage"]["output"] + llm["usage"].get("output_reasoning", 0) == 7


@pytest.mark.skipif(CORE < (0, 3, 76), reason="before langchain-core 0.3.76 no run is told of a cache")
def test_an_answer_from_the_cache_says_so_and_costs_nothing(config, trail, fake, gpt):
    fake.answer(answer())
    model = gpt(cache=InMemoryCache())
    first, again = model.invoke("Hi", config), model.invoke("Hi", config)
    assert first.content == again.content
    asked, cached = trail.spans
    assert "cached" not in asked["metadata"]
    assert "total_cost" not in asked
    assert (cached["metadata"]["cached"], cached["total_cost"]) == (True, 0.0)
    assert len(fake.requests) == 1


def test_several_choices_count_their_usage_once(config, trail, fake, gpt):
    body = answer()
    [choice] = body["choices"]
    body["choices"] = [choice, {**choice, "index": 1}]
    fake.answer(body)
    gpt(n=2).invoke("Hi", config)
    [llm] = trail.spans
    assert len(llm["output"]) == 2
    assert llm["usage"] == PARTS


def test_a_structured_answer_shows_its_schema_and_what_was_parsed(config, trail, fake, gpt):
    fake.answer(
        {
            **answer(),
            "choices": [{**chat()["choices"][0], "message": {"role": "assistant", "content": '{"name": "green"}'}}],
        }
    )
    assert gpt().with_structured_output(Tea, method="json_schema").invoke("A tea.", config) == Tea(name="green")
    assert "Tea" in str(trail.span("ChatOpenAI")["input"]["response_format"])
    assert trail.spans[0]["output"] == {"name": "green"}


def test_the_tools_a_model_may_call_are_in_its_input(config, trail, fake, gpt):
    from langchain_core.tools import tool

    @tool
    def add(a: int, b: int) -> int:
        """Add."""

    fake.answer(answer())
    gpt().bind_tools([add]).invoke("1 + 2?", config)
    [shown] = trail.span("ChatOpenAI")["input"]["tools"]
    assert shown["function"]["name"] == "add"


def test_embeddings_are_seen_by_the_providers_hook_in_their_place(config, trail, tracked, fake, given):
    """LangChain has no callbacks for them."""
    for _ in range(2):
        fake.answer(
            {
                "object": "list",
                "model": "text-embedding-3-small",
                "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
                "usage": {"prompt_tokens": 5, "total_tokens": 5},
            }
        )
    embed = langchain_openai.OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False, **given)
    shelf = InMemoryVectorStore(embed)
    shelf.add_documents([Document("Tea is a drink.")])
    trail.raw.clear()
    (shelf.as_retriever() | RunnableLambda(len)).invoke("tea", config)
    embedding = next(span for span in trail.spans if span["type"] == "embedding")
    retriever = next(span for span in trail.spans if span["type"] == "retriever")
    assert embedding["parent_id"] == retriever["id"]
    assert embedding["usage"] == {"input": 5}
    assert retriever["output"]["documents"][0]["content"] == "Tea is a drink."


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        (  # Anthropic's: LangChain adds cached and written tokens to the input
            {"usage_metadata": {
                "input_tokens": 100, "output_tokens": 7, "total_tokens": 107,
                "input_token_details": {"cache_read": 60, "cache_creation": 30},
            }},
            {"input": 10, "input_cached": 60, "input_cache_write": 30, "output": 7},
        ),
        (  # written in classes of how long they live
            {"usage_metadata": {
                "input_tokens": 100, "output_tokens": 7, "total_tokens": 107,
                "input_token_details": {
                    "cache_read": 0, "cache_creation": 0,
                    "ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10,
                },
            }},
            {"input": 60, "input_cache_write": 40, "output": 7},
        ),
        (
            {"usage_metadata": {
                "input_tokens": 20, "output_tokens": 9, "total_tokens": 29,
                "input_token_details": {"audio": 5}, "output_token_details": {"audio": 4, "reasoning": 2},
            }},
            {"input": 15, "input_audio": 5, "output": 3, "output_audio": 4, "output_reasoning": 2},
        ),
        (
            {"response_metadata": {"token_usage": USAGE}},
            PARTS,
        ),
        (
            {"response_metadata": {"usage": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 3}}},
            {"input": 5, "input_cached": 3, "output": 2},
        ),
        ({"response_metadata": {"usage_metadata": {"prompt_token_count": 5, "candidates_token_count": 2}}},
            {"input": 5, "output": 2}),
        ({"response_metadata": {"prompt_eval_count": 5, "eval_count": 2}}, {"input": 5, "output": 2}),
        ({"response_metadata": {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 5, "outputTokenCount": 2}}},
            {"input": 5, "output": 2}),
        ({"response_metadata": {"token_usage": None}}, None),
        ({"response_metadata": {"token_usage": {"prompt_tokens": None, "completion_tokens": True}}}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_usage_is_read_in_the_words_of_every_provider(said, usage, config, trail):
    answering(result(**said)).invoke("Hi", config)
    assert trail.spans[0].get("usage") == usage


def test_model_and_provider_come_from_what_the_model_says_of_itself(config, trail):
    said = result(response_metadata={"model": "claude-x", "stop_reason": "end_turn", "id": "msg_1"})
    answering(said).invoke([HumanMessage("Hi")], config)
    [llm] = trail.spans
    assert llm["model"] == "claude-x"
    assert llm["metadata"] | {"finish_reasons": ["end_turn"], "response_id": "msg_1"} == llm["metadata"]


def test_usage_of_the_whole_answer_is_found_without_messages(config, trail, tracer):
    from uuid import uuid4

    run = uuid4()
    tracer.on_llm_start({}, ["Hi"], run_id=run)
    told = {"token_usage": {"prompt_tokens": 5, "completion_tokens": 2}, "model_name": "m-2"}
    tracer.on_llm_end(LLMResult(generations=[[Generation(text="Tea.")]], llm_output=told), run_id=run)
    [llm] = trail.spans
    assert (llm["output"], llm["model"], llm["usage"]) == ("Tea.", "m-2", {"input": 5, "output": 2})
