"""Query and chat engines: one trace each, readable, closed when the answer is read or given up."""

import asyncio
import gc
from importlib.metadata import version

import pytest
import trailmark
from llama_index.core import Document, PromptTemplate
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.postprocessor import LLMRerank
from llama_index.core.query_engine import RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import TextNode
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.tools import QueryEngineTool
from trailmark.testing import record_trail

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # LlamaIndex's own event loops and memory

QUERY = """\
RetrieverQueryEngine.{a}query (chain) {status}
  VectorIndexRetriever.{a}retrieve (retriever) ok
    MockEmbedding.{a}get_query_embedding (embedding) ok
  CompactAndRefine.{a}synthesize (chain) {status}
    Model.{call} (llm) {status}"""
QUESTIONS = '```json\n{"items": [{"sub_question": "A?", "tool_name": "docs"}, {"sub_question": "B?", "tool_name": "docs"}]}\n```'


VERSION = tuple(int(part) for part in version("llama-index-core").split(".")[:3])
in_pieces = pytest.mark.skipif(VERSION < (0, 14, 25), reason="before, LlamaIndex itself gave a query's answer whole")


@trailmark.track
def work(x):
    return x


def query_tree(call, prefix="", status="ok"):
    return QUERY.format(a=prefix, call=call, status=status)


def kept():
    from trailmark_llama_index import _runs

    return [*_runs._open, *_runs._folded, *_runs._models]


def test_a_query_is_retrieval_synthesis_and_the_call_without_their_private_halves(traced, model, index):
    answer = index.as_query_engine(llm=model()).query("What?")
    assert str(answer) == "It is tea."
    assert traced.tree() == query_tree("chat")
    query = traced.span("RetrieverQueryEngine.query")
    assert query["input"] == {"query": "What?"}
    assert query["output"]["response"] == "It is tea."
    found = traced.span("VectorIndexRetriever.retrieve")["output"]
    assert [node["text"] for node in found] == ["Text 1.", "Text 2."]
    assert all(0.99 < node["score"] < 1.01 for node in found)
    assert found[0]["metadata"] == {"page": 1}
    assert query["output"]["source_nodes"] == found
    assert kept() == []


def test_an_async_query_looks_the_same(traced, model, index):
    asyncio.run(index.as_query_engine(llm=model()).aquery("What?"))
    assert traced.tree() == query_tree("achat", "a")


@in_pieces
def test_a_streaming_query_is_one_trace_that_ends_when_the_answer_is_read(traced, model, index):
    answer = index.as_query_engine(llm=model(), streaming=True).query("What?")
    assert traced.span("RetrieverQueryEngine.query")["status"] == "running"
    assert "".join(work(piece) for piece in answer.response_gen) == "It is tea."
    assert traced.tree() == query_tree("stream_chat") + "\nwork (general) ok" * 3
    for name in ("RetrieverQueryEngine.query", "CompactAndRefine.synthesize"):
        assert traced.span(name)["output"] == {"response": "It is tea."}
        assert traced.span(name)["first_token_us"]
    assert kept() == []


def test_an_async_streaming_query_is_one_trace(traced, model, index):
    async def read():
        answer = await index.as_query_engine(llm=model(), streaming=True).aquery("What?")
        return "".join([piece async for piece in answer.response_gen])

    assert asyncio.run(read()) == "It is tea."
    assert traced.tree() == query_tree("astream_chat", "a")


@in_pieces
def test_a_streaming_query_left_after_a_piece_is_cancelled(traced, model, index):
    answer = index.as_query_engine(llm=model(), streaming=True).query("What?")
    for _ in answer.response_gen:
        break
    del answer
    gc.collect()
    assert traced.tree() == query_tree("stream_chat", status="cancelled")
    assert traced.spans[0]["output"] == {"response": "It"}
    assert kept() == []


def test_a_streaming_query_nobody_reads_is_closed_when_it_is_collected(traced, model, index):
    answer = index.as_query_engine(llm=model(), streaming=True).query("What?")
    del answer
    gc.collect()
    assert traced.span("RetrieverQueryEngine.query")["status"] == "cancelled"
    assert traced.span("CompactAndRefine.synthesize")["status"] == "cancelled"
    assert kept() == []


@in_pieces
def test_a_streaming_query_that_breaks_is_an_error_up_to_the_query(traced, model, index):
    answer = index.as_query_engine(llm=model("a b c", fails_after=1), streaming=True).query("What?")
    with pytest.raises(ConnectionError, match="cut off"):
        list(answer.response_gen)
    assert traced.tree() == query_tree("stream_chat", status="error")


def engine_of(mode, model, index):
    if mode == "simple":
        return SimpleChatEngine.from_defaults(llm=model)
    return index.as_chat_engine(chat_mode=mode, llm=model)


@pytest.mark.parametrize("mode", ["simple", "context", "condense_question", "condense_plus_context"])
@pytest.mark.parametrize("how", ["chat", "stream_chat", "astream_chat"])
def test_a_chat_is_one_trace_with_its_answer(traced, model, index, mode, how):
    engine = engine_of(mode, model(), index)

    async def read():
        answer = await engine.astream_chat("Hi")
        return "".join([piece async for piece in answer.async_response_gen()])

    if how == "chat":
        said = engine.chat("Hi").response
    elif how == "stream_chat":
        answer = engine.stream_chat("Hi")
        said = "".join(answer.response_gen)
        if (writer := getattr(answer, "write_response_to_history_thread", None)) is not None:
            writer.join()  # LlamaIndex's own thread may be behind its reader
    else:
        said = asyncio.run(read())
    assert said == "It is tea."
    root, *rest = traced.spans
    assert root["name"] == f"{type(engine).__name__}.{how}"
    assert root["output"]["response"] == "It is tea."
    assert [span for span in rest if span["parent_id"] is None] == []
    assert {span["status"] for span in traced.spans} == {"ok"}
    assert "llm" in {span["type"] for span in rest}
    assert kept() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_streaming_chat_that_breaks_is_an_error(traced, model):
    engine = SimpleChatEngine.from_defaults(llm=model("a b c", fails_after=1))
    answer = engine.stream_chat("Hi")
    thread = answer.write_response_to_history_thread
    with pytest.raises(ConnectionError, match="cut off"):
        list(answer.response_gen)
    thread.join()
    assert traced.tree() == "SimpleChatEngine.stream_chat (chain) error\n  Model.stream_chat (llm) error"


def test_a_reranker_is_a_span_around_its_call(traced, model, index):
    rerank = LLMRerank(llm=model("Doc: 1, Relevance: 9\n"), top_n=1)
    index.as_query_engine(llm=model(), node_postprocessors=[rerank]).query("What?")
    span = traced.span("LLMRerank.postprocess_nodes")
    assert span["type"] == "retriever"
    assert [node["score"] for node in span["output"]] == [9.0]
    assert [one["name"] for one in traced.spans if one["parent_id"] == span["id"]] == ["Model.chat"]


def test_a_router_and_sub_questions_nest_what_they_ask(traced, model, index):
    tool = QueryEngineTool.from_defaults(index.as_query_engine(llm=model()), name="docs", description="Docs.")
    selector = LLMSingleSelector.from_defaults(llm=model('[{"choice": 1, "reason": "r"}]'))
    RouterQueryEngine(selector=selector, query_engine_tools=[tool], llm=model()).query("What?")
    assert [one["name"] for one in traced.spans if one["parent_id"] == traced.spans[0]["id"]] == [
        "LLMSingleSelector.select",
        "RetrieverQueryEngine.query",
    ]
    traced.raw.clear()
    SubQuestionQueryEngine.from_defaults(
        query_engine_tools=[tool],
        llm=model(),
        question_gen=LLMQuestionGenerator.from_defaults(llm=model(QUESTIONS)),
        use_async=True,
        verbose=False,
    ).query("What?")
    assert len({span["trace_id"] for span in traced.spans}) == 1
    asked = [one for one in traced.spans if one["name"] == "RetrieverQueryEngine.aquery"]
    assert [one["input"] for one in asked] == [{"query": "A?"}, {"query": "B?"}]
    assert {one["parent_id"] for one in asked} == {traced.spans[0]["id"]}


def test_an_ingestion_shows_its_embeddings_not_every_split(traced):
    steps = [SentenceSplitter(chunk_size=64, chunk_overlap=0), MockEmbedding(embed_dim=4, model_name="e-1")]
    nodes = IngestionPipeline(transformations=steps).run(documents=[Document(text="A sentence. " * 200)])
    assert traced.tree() == (
        "IngestionPipeline.run (chain) ok\n  MockEmbedding.get_text_embedding_batch (embedding) ok"
    )
    assert traced.spans[1]["output"] == {"embeddings": len(nodes), "dimensions": 4}


@pytest.mark.parametrize("use_async", [False, True])
def test_a_fusion_of_retrievers_holds_the_questions_it_makes_and_every_retrieval(traced, model, index, use_async):
    retrievers = [index.as_retriever(similarity_top_k=1), index.as_retriever(similarity_top_k=2)]
    fusion = QueryFusionRetriever(retrievers, llm=model("A?"), num_queries=2, use_async=use_async)
    found = fusion.retrieve("What?")
    root, *rest = traced.spans
    assert (root["name"], root["type"], root["input"]) == (
        "QueryFusionRetriever.retrieve",
        "retriever",
        {"query": "What?"},
    )
    assert [node["id"] for node in root["output"]] == [node.node_id for node in found]
    below = [span for span in rest if span["parent_id"] == root["id"]]
    assert [span["type"] for span in below] == ["llm", *["retriever"] * 4]
    asked = [span["input"]["query"] for span in below[1:]]
    assert (asked.count("What?"), len(set(asked))) == (2, 2)
    inner = [span for span in rest if span["type"] == "embedding"]  # a question is embedded once where it can be
    assert inner
    assert {span["parent_id"] for span in inner} <= {span["id"] for span in below[1:]}
    assert {span["status"] for span in traced.spans} == {"ok"}
    assert kept() == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["run", "arun"])
def test_an_ingestion_in_worker_processes_is_one_span_with_all_their_nodes(traced, how):
    documents = [Document(text=f"Text {number}.") for number in range(4)]
    pipeline = IngestionPipeline(transformations=[MockEmbedding(4)])

    async def run():
        return await pipeline.arun(documents=documents, num_workers=2)

    nodes = pipeline.run(documents=documents, num_workers=2) if how == "run" else asyncio.run(run())
    assert len(nodes) == 4
    [span] = traced.spans
    assert (span["name"], span["status"]) == (f"IngestionPipeline.{how}", "ok")
    assert [node["text"] for node in span["output"]] == [node.text for node in nodes]
    assert kept() == []


def test_requests_side_by_side_stay_apart(traced, model, index):
    engine = index.as_query_engine(llm=model())

    @trailmark.track
    async def request(number):
        await engine.aquery(f"Question {number}?")

    async def both():
        await asyncio.gather(*(request(number) for number in range(5)))

    asyncio.run(both())
    assert traced.tree() == "\n".join(
        ["request (general) ok", *("  " + line for line in query_tree("achat", "a").splitlines())] * 5
    )


@pytest.mark.parametrize("streaming", [False, True])
def test_nothing_asked_found_or_said_is_recorded_when_the_settings_leave_it_out(traced, model, index, streaming):
    index.insert_nodes([TextNode(text="marker", id_="x", metadata={"of": "marker"})])
    prompt = PromptTemplate("marker {context_str} {query_str}")
    engine = index.as_query_engine(
        llm=model("marker tea"), streaming=streaming, text_qa_template=prompt, similarity_top_k=9
    )
    chat = index.as_chat_engine(llm=model("marker tea"), chat_mode="condense_plus_context")
    with record_trail(capture_input=False, capture_output=False) as bare:
        assert str(engine.query("marker")) == "marker tea"
        assert "".join(chat.stream_chat("marker").response_gen) if streaming else chat.chat("marker").response
        LLMRerank(llm=model("Doc: 1, Relevance: 9\n")).postprocess_nodes(
            index.as_retriever().retrieve("marker"), query_str="marker"
        )
        IngestionPipeline(transformations=[MockEmbedding(4)]).run(documents=[Document(text="marker")])
    gc.collect()  # LlamaIndex's own loops, while their warnings are let pass
    assert len(bare.spans) > 12
    assert {span["status"] for span in bare.spans} == {"ok"}
    assert {"input", "output"}.isdisjoint(key for span in bare.spans for key in span)
    assert not [record for record in bare.raw if b"marker" in record]
