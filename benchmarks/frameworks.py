"""What tracing adds to a LangChain chain and a LlamaIndex query, beside its peers. Run it: make bench-frameworks

CPU of the calling thread. The models answer from memory, what is left is the
framework's own work and the tracer's. Judge the differences and ratios; the microseconds are this machine's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import beside

CALLS = 300
SETS: dict[str, tuple[str, list[str], list[str]]] = {
    "langchain": (
        "peers-langchain",
        ["langchain-core<1.8", "langchain", "langsmith", "opik", "langfuse", "openinference-instrumentation-langchain"],
        ["core", "langchain"],
    ),
    "llama-index": (
        "peers-llama-index",
        ["llama-index-core", "opik", "openinference-instrumentation-llama-index"],
        ["core", "llama-index"],
    ),
}


def _langchain(tracer: str) -> Callable[[], Any]:
    """Prompt, model and parser: four runs."""
    from langchain_core.language_models.fake_chat_models import FakeListChatModel
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    callbacks: list[Any] = []
    if tracer == "trailmark":
        callbacks = [import_module("trailmark_langchain").TrailmarkTracer()]
    elif tracer == "opik":
        callbacks = [import_module("opik.integrations.langchain").OpikTracer(project_name="bench")]
    elif tracer == "langfuse":
        callbacks = [import_module("langfuse.langchain").CallbackHandler()]
    elif tracer == "langsmith":
        callbacks = [import_module("langchain_core.tracers").LangChainTracer(project_name="bench")]
    elif tracer == "openinference":
        kind = import_module("openinference.instrumentation.langchain").LangChainInstrumentor
        kind().instrument(tracer_provider=beside.provider_to_nowhere())
    model = FakeListChatModel(responses=["The capital of France is Paris. " * 6])
    chain = (
        ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")]) | model | StrOutputParser()
    )
    asked = {"question": "What is the capital of France? " * 6}
    config: Any = {"callbacks": callbacks}
    return lambda: chain.invoke(asked, config=config)


def _llama_index(tracer: str) -> Callable[[], Any]:
    """A query: retrieval with its embedding, synthesis with its model call."""
    from llama_index.core import MockEmbedding, Settings, VectorStoreIndex
    from llama_index.core.callbacks import CallbackManager
    from llama_index.core.llms import MockLLM
    from llama_index.core.schema import TextNode

    if tracer == "trailmark":
        import_module("trailmark_llama_index").instrument()
    elif tracer == "opik":
        handler = import_module("opik.integrations.llama_index").LlamaIndexCallbackHandler(project_name="bench")
        Settings.callback_manager = CallbackManager([handler])
    elif tracer == "openinference":
        kind = import_module("openinference.instrumentation.llama_index").LlamaIndexInstrumentor
        kind().instrument(tracer_provider=beside.provider_to_nowhere())
    nodes = [TextNode(text=f"Text {number}. " * 20, id_=f"n{number}") for number in range(3)]
    Settings.embed_model = MockEmbedding(8)
    Settings.llm = MockLLM(max_tokens=40)
    engine = VectorStoreIndex(nodes).as_query_engine()
    return lambda: engine.query("What is the capital of France?")


def measure(variant: str) -> dict[str, float]:
    """p50 of the calling thread's CPU per call in microseconds."""
    framework, _, tracer = variant.partition(":")
    call = (_langchain if framework == "langchain" else _llama_index)(tracer)
    took = []
    for _ in range(CALLS + CALLS // 5):
        start = time.thread_time_ns()
        call()
        took.append(time.thread_time_ns() - start)
    return {"call": statistics.median(took[CALLS // 5 :]) / 1000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--framework", choices=[*SETS], help="this one alone")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        beside.tell(measure(given.only))
    for framework in [given.framework] if given.framework else SETS:
        folder, requirements, ours = SETS[framework]
        python = beside.environment(folder, requirements, ours)
        tracers = ["bare", "trailmark", "openinference", "opik"] + (
            ["langfuse", "langsmith"] if framework == "langchain" else []
        )
        best = beside.best_of(given.rounds, [f"{framework}:{one}" for one in tracers], __file__, python)
        bare = best[f"{framework}:bare"]["call"]
        print(f"{framework}: {bare:.0f} CPU µs a call; added by, best p50 of {given.rounds} rounds:")
        for one in tracers[1:]:
            print(f"  {one:15}{best[f'{framework}:{one}']['call'] - bare:9.0f}")


if __name__ == "__main__":
    main()
