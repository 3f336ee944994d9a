"""Bodies of retrievers and of models, of which LangChain keeps no word in the context: what runs there, and only that."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import trailmark
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnableParallel
from pydantic import Field
from trailmark.instrumentation import claim_span
from trailmark_langchain import TrailmarkTracer, _runs

IDENTITY = RunnableLambda(lambda x: x)


@trailmark.track
def work(x):
    return x


class Shelf(BaseRetriever):
    """Sync; LangChain runs it in a thread when it is awaited."""

    def _get_relevant_documents(self, query, *, run_manager):
        return [Document(work(f"All about {query}."), metadata={"source": "a.txt", "score": 0.9})]


class AsyncShelf(Shelf):
    """Waits between its steps, and asks a chain of its own."""

    async def _aget_relevant_documents(self, query, *, run_manager):
        await asyncio.sleep(0)
        await (IDENTITY | IDENTITY).ainvoke(query, {"callbacks": run_manager.get_child()})
        await asyncio.gather(*(asyncio.to_thread(work, query) for _ in range(2)))
        return self._get_relevant_documents(query, run_manager=run_manager)


class Provider(FakeListChatModel):
    """Asks a provider whose hook claims the model's span."""

    at_once: int = 1
    waiting: list = Field(default_factory=list)

    def _call(self, messages, stop=None, run_manager=None, **kwargs):
        said = messages[-1].content
        claimed = claim_span()
        claimed.update(metadata={"claimed_for": said})
        return said

    async def _acall(self, messages, stop=None, run_manager=None, **kwargs):
        self.waiting.append(asyncio.current_task())
        while len(self.waiting) < self.at_once:  # noqa: ASYNC110 - all are open before the first one asks
            await asyncio.sleep(0)
        return self._call(messages)

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        from langchain_core.messages import AIMessage
        from langchain_core.outputs import ChatGeneration, ChatResult

        said = await self._acall(messages)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(said))])


def claimed_for(trail):
    models = [span for span in trail.spans if span["type"] == "llm"]
    return {span["input"]["messages"][-1]["content"]: span["metadata"].get("claimed_for") for span in models}


def test_a_retriever_shows_its_documents_and_holds_what_it_does(config, trail):
    (Shelf() | RunnableLambda(lambda found: work(found[0].page_content))).invoke("tea", config)
    assert trail.tree() == (
        "RunnableSequence (chain) ok\n  Shelf (retriever) ok\n    work (general) ok\n"
        "  RunnableLambda (chain) ok\n    work (general) ok"
    )
    span = trail.span("Shelf")
    assert span["input"] == {"query": "tea"}
    wanted = {"content": "All about tea.", "metadata": {"source": "a.txt", "score": 0.9}}
    assert span["output"] == {"documents": [wanted]}


@pytest.mark.parametrize("kind", [Shelf, AsyncShelf])
def test_retrievers_that_run_at_once_each_hold_their_own(kind, config, trail):
    async def main():
        with trailmark.span("outer"):
            found = await asyncio.gather(*(kind().ainvoke(f"q{n}", config) for n in range(5)))
            work("after")
        return [documents[0].page_content for documents in found]

    assert asyncio.run(main()) == [f"All about q{n}." for n in range(5)]
    shelves = {span["id"]: span for span in trail.spans if span["type"] == "retriever"}
    outer = trail.span("outer")["id"]
    assert [span["parent_id"] for span in shelves.values()] == [outer] * 5
    works = [span for span in trail.spans if span["name"] == "work"]
    for span in works[:-1]:
        assert shelves[span["parent_id"]]["input"]["query"] in span["input"]["x"]
    assert works[-1]["parent_id"] == outer
    assert len(works) == 5 * (1 if kind is Shelf else 3) + 1


def test_a_retriever_in_a_batch_and_in_branches_holds_its_own(config, trail):
    with trailmark.span("outer"):
        Shelf().batch(["a", "b", "c"], config)
        RunnableParallel(one=Shelf(), other=RunnableLambda(work)).invoke("d", config)
        work("after")
    shelves = {span["id"]: span["input"]["query"] for span in trail.spans if span["type"] == "retriever"}
    works = [span for span in trail.spans if span["name"] == "work" and span["type"] == "general"]
    inside = [(shelves[span["parent_id"]], span["input"]["x"]) for span in works if span["parent_id"] in shelves]
    assert sorted(inside) == [(one, f"All about {one}.") for one in "abcd"]
    assert works[-1]["parent_id"] == trail.span("outer")["id"]


def test_after_a_retriever_that_failed_its_place_is_empty(config, trail):
    class Broken(Shelf):
        def _get_relevant_documents(self, query, *, run_manager):
            raise ValueError("no shelf")

    with trailmark.span("outer"):
        with pytest.raises(ValueError, match="no shelf"):
            Broken().invoke("tea", config)
        work(1)
    assert trail.tree() == "outer (general) ok\n  Broken (retriever) error\n  work (general) ok"


@pytest.mark.parametrize("how", ["timeout", "wait_for", "cancel"])
def test_a_retriever_that_is_cancelled_is_over_for_whoever_goes_on(how, config, trail):
    class Endless(Shelf):
        async def _aget_relevant_documents(self, query, *, run_manager):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.to_thread(work, "in a thread"))
            work("inside")
            await asyncio.Event().wait()

    async def all_in():
        while len(trail.spans) < 4:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)

    async def left():
        asked = Endless().ainvoke("tea", config)
        if how == "timeout":
            async with asyncio.timeout(None) as limit:
                begun = asyncio.create_task(all_in())
                begun.add_done_callback(lambda _: limit.reschedule(asyncio.get_running_loop().time()))
                await asked
        task = asyncio.create_task(asked)
        await all_in()
        if how == "wait_for":
            await asyncio.wait_for(task, 0.01)
        task.cancel()
        await task

    async def main():
        with trailmark.span("outer"):
            try:
                await left()
            except (TimeoutError, asyncio.CancelledError):
                work("meanwhile")
            work("after")
            await Shelf().ainvoke("tea", config)

    asyncio.run(main())
    gc.collect()
    inside = "    work (general) ok\n"
    assert trail.tree() == (
        f"outer (general) ok\n  Endless (retriever) cancelled\n{inside * 2}  work (general) ok\n  work (general) ok\n"
        f"  Shelf (retriever) ok\n{inside}".rstrip()
    )
    assert _runs._open == {}


def test_models_that_run_at_once_are_each_claimed_by_their_own_provider_call(config, trail):
    model = Provider(responses=[""], at_once=5)

    async def main():
        return await asyncio.gather(*(model.ainvoke(f"q{n}", config) for n in range(5)))

    asyncio.run(main())
    assert claimed_for(trail) == {f"q{n}": f"q{n}" for n in range(5)}


@pytest.mark.parametrize("how", ["batch", "generate", "threads", "abatch"])
def test_every_way_to_ask_several_times_claims_in_order(how, config, trail):
    model, asked = Provider(responses=[""]), [f"q{n}" for n in range(4)]
    if how == "batch":
        model.batch(asked, config)
    elif how == "abatch":
        asyncio.run(model.abatch(asked, config))
    elif how == "generate":
        model.generate([[HumanMessage(one)] for one in asked], callbacks=config["callbacks"])
    else:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: model.invoke(one, config), asked))
    assert claimed_for(trail) == {one: one for one in asked}


def test_a_provider_call_elsewhere_never_takes_a_models_span(config, trail):
    """Neither in another thread nor between two pieces of a stream whose provider nobody traces."""
    claimed = []

    class Slow(FakeListChatModel):
        def _call(self, *args, **kwargs):
            thread = threading.Thread(target=lambda: claimed.append(claim_span()))
            thread.start()
            thread.join()
            return "said"

    Slow(responses=[""]).invoke("Hi", config)
    for _ in FakeListChatModel(responses=["abc"]).stream("Hi", config):
        claimed.append(claim_span())
    assert claimed == [None] * len(claimed)
    assert len(claimed) > 2


def test_two_tracers_of_one_async_run_are_one_span_and_one_claim(trail):
    model = Provider(responses=[""], at_once=3)

    async def main():
        both = {"callbacks": [TrailmarkTracer(), TrailmarkTracer()]}
        await asyncio.gather(*(model.ainvoke(f"q{n}", both) for n in range(3)))
        await AsyncShelf().ainvoke("tea", both)

    asyncio.run(main())
    assert claimed_for(trail) == {f"q{n}": f"q{n}" for n in range(3)}
    assert trail.tree().count("AsyncShelf (retriever) ok") == 1


def test_the_tracer_changes_nothing_for_other_handlers(trail):
    assert TrailmarkTracer().run_inline is False
