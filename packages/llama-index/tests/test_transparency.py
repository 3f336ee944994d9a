"""The same programs, bare and traced: the same answers, exceptions and generators; and nothing stays behind."""

import asyncio
import gc
import subprocess
import sys
import types

import pytest
import trailmark
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step
from trailmark_llama_index import instrument

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

HI = [ChatMessage(role="user", content="Hi")]
MEMORY = """
import resource, sys
import llama_index.core as core
from llama_index.core.llms import MockLLM
from llama_index.core.schema import TextNode
from trailmark_llama_index import _runs, instrument
instrument()
index = core.VectorStoreIndex([TextNode(text="Text.")], embed_model=core.MockEmbedding(8))
engine, streaming = (index.as_query_engine(llm=MockLLM(max_tokens=4), streaming=how) for how in (False, True))
def grown(queries):
    for number in range(queries):
        engine.query("What?")
        answer = streaming.query("What?")
        if number % 2:
            list(answer.response_gen)
    del answer
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096
before = grown(2000)
print(grown(8000) - before, len(_runs._open) + len(_runs._folded) + len(_runs._models))
"""


class Echo(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result=ev.get("topic"))


def chat(model, index):
    return model().chat(HI)


def chat_fails(model, index):
    return model(ValueError("too long")).chat(HI)


def chat_async(model, index):
    return asyncio.run(model().achat(HI))


def stream(model, index):
    return list(model().stream_chat(HI))


def stream_is_a_generator(model, index):
    made = model().stream_chat(HI)
    return type(made), isinstance(made, types.GeneratorType), next(made), made.close(), list(made)


def stream_breaks(model, index):
    return list(model("a b c", fails_after=1).stream_chat(HI))


def query(model, index):
    return index.as_query_engine(llm=model()).query("What?")


def query_streamed(model, index):
    answer = index.as_query_engine(llm=model(), streaming=True).query("What?")
    return type(answer), isinstance(answer.response_gen, types.GeneratorType), str(answer), answer.source_nodes


def query_streamed_twice(model, index):
    answer = index.as_query_engine(llm=model(), streaming=True).query("What?")
    return list(answer.response_gen), list(answer.response_gen)


def query_streamed_async(model, index):
    async def read():
        answer = await index.as_query_engine(llm=model(), streaming=True).aquery("What?")
        return [piece async for piece in answer.response_gen], answer.metadata

    return asyncio.run(read())


def chat_engine(model, index):
    engine = SimpleChatEngine.from_defaults(llm=model())
    said = "".join(engine.stream_chat("Hi").response_gen)
    return said, engine.chat_history


def embeddings(model, index):
    return MockEmbedding(4).get_text_embedding_batch(["a", "b"])


def workflow(model, index):
    async def run():
        return await Echo(timeout=20).run(topic="tea")

    return asyncio.run(run())


PROGRAMS = [
    chat, chat_fails, chat_async, stream, stream_is_a_generator, stream_breaks, query, query_streamed,
    query_streamed_twice, query_streamed_async, chat_engine, embeddings, workflow,
]  # fmt: skip


def outcome(program, *given):
    try:
        return program(*given)
    except Exception as error:
        return type(error), str(error), type(error.__cause__), type(error.__context__)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_does_the_same_bare_and_traced(trail, model, index, program):
    bare = outcome(program, model, index)
    assert trail.spans == []
    undo = instrument()
    try:
        with trailmark.span("outer"):
            traced = outcome(program, model, index)
    finally:
        undo()
    gc.collect()
    assert traced == bare
    assert len(trail.spans) > 1
    assert "running" not in {span["status"] for span in trail.spans}


@pytest.mark.slow
def test_memory_stays_flat_over_20000_queries(tmp_path):
    env = {
        "TRAILMARK_HOME": str(tmp_path),
        "TRAILMARK_QUIET": "true",
        "TRAILMARK_URL": "http://127.0.0.1:9",
        "PATH": "",
    }
    done = subprocess.run([sys.executable, "-c", MEMORY], env=env, capture_output=True, text=True, check=True)
    grown, kept = map(int, done.stdout.split())
    assert kept == 0
    assert grown < 12_000_000, f"{grown} bytes more after 16,000 further queries"
