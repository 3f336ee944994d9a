"""Runs of langchain-core: the right tree, in every way to run a chain."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import trailmark
from chains import CHAIN_TREE, HOW, PROMPT, chain, model, run, work
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool


@pytest.mark.parametrize("how", HOW)
def test_a_chain_is_one_tree_with_readable_steps(how, config, trail):
    assert run(how, chain(), {"question": "What is it?"}, config) == "It is tea."
    assert trail.tree() == CHAIN_TREE
    root, _, llm, _ = trail.spans
    assert root["input"] == {"question": "What is it?"}
    assert root["output"] == "It is tea."
    assert llm["input"]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is it?"},
    ]
    assert (llm["output"]["role"], llm["output"]["content"]) == ("assistant", "It is tea.")


def test_a_model_tells_usage_in_parts_and_its_name(config, trail):
    model().invoke("Hi", config)
    [llm] = trail.spans
    assert llm["usage"] == {"input": 6, "input_cached": 4, "input_audio": 1, "output": 4, "output_reasoning": 3}
    assert (llm["model"], llm["usage_raw"]["total_tokens"]) == ("m-1", 18)


def test_a_stream_tells_its_first_token(config, trail):
    list(model(AIMessage("one two three")).stream("Hi", config))
    [llm] = trail.spans
    assert llm["start_us"] < llm["first_token_us"] < llm["end_us"]
    assert llm["output"]["content"] == "one two three"


def test_a_plain_completion_is_an_llm_span_too(config, trail):
    seen = []

    class Users(BaseCallbackHandler):
        def on_llm_start(self, *args, **kwargs):
            seen.append("start")

        def on_llm_end(self, *args, **kwargs):
            seen.append("end")

    target = FakeListLLM(responses=["a", "b"])
    both = {"callbacks": [*config["callbacks"], Users()]}
    assert [target.invoke("Hi", both), asyncio.run(target.ainvoke("Ho", both))] == ["a", "b"]
    assert trail.tree() == "FakeListLLM (llm) ok\nFakeListLLM (llm) ok"
    assert trail.spans[0]["input"]["prompt"] == "Hi"
    assert seen == ["start", "end"] * 2


@pytest.mark.parametrize("how", HOW)
def test_track_around_and_inside_nests(how, config, trail):
    target = PROMPT | model() | StrOutputParser() | RunnableLambda(work)

    @trailmark.track
    def outer():
        found = run(how, target, {"question": "?"}, config)
        work("after")
        return found

    outer()
    lines = trail.tree().splitlines()
    assert lines[:2] == ["outer (general) ok", "  RunnableSequence (chain) ok"]
    assert "      work (general) ok" in lines  # inside the lambda's run
    assert lines[-1] == "  work (general) ok"


def test_a_step_between_two_chunks_is_a_sibling_of_the_chain(config, trail):
    @trailmark.track
    def outer():
        for n, _ in enumerate(chain().stream({"question": "?"}, config)):
            if n < 2:
                work(n)

    async def async_outer():
        with trailmark.span("async outer"):
            async for _ in (PROMPT | model(AIMessage("one two"))).astream({"question": "?"}, config):
                work(1)

    outer()
    asyncio.run(async_outer())
    for name in ("outer", "async outer"):
        top = trail.span(name)["id"]
        inner = [span["name"] for span in trail.spans if span["parent_id"] == top]
        assert set(inner) == {"RunnableSequence", "work"}, trail.tree()


def test_a_batch_is_as_many_siblings(config, trail):
    with trailmark.span("outer"):
        RunnableLambda(lambda x: work(x)).batch(list(range(100)), config)
    tree = trail.tree()
    assert tree.count("\n  RunnableLambda (chain) ok\n    work (general) ok") == 100


def test_a_batch_on_its_own_is_as_many_traces(config, trail):
    async def main():
        return await RunnableLambda(work).abatch(list(range(100)), config)

    assert asyncio.run(main()) == RunnableLambda(work).batch(list(range(100)), config)
    assert trail.tree() == "\n".join(["work (chain) ok\n  work (general) ok"] * 200)
    assert len({span["trace_id"] for span in trail.spans}) == 200


def test_gathered_chains_are_siblings_each_with_its_own_steps(config, trail):
    async def step(x):
        await asyncio.sleep(0)
        return work(x)

    async def main():
        with trailmark.span("outer"):
            await asyncio.gather(*(RunnableLambda(step).ainvoke(n, config) for n in range(5)))

    asyncio.run(main())
    assert trail.tree() == "outer (general) ok" + "\n  step (chain) ok\n    work (general) ok" * 5
    pairs = {span["id"]: span["input"] for span in trail.spans if span["name"] == "step"}
    assert all(pairs[span["parent_id"]] == span["input"]["x"] for span in trail.spans if span["name"] == "work")


def test_parallel_branches_and_threads_keep_their_places(config, trail):
    target = RunnableParallel(a=RunnableLambda(work), b=RunnableLambda(work))

    def one(n):
        return target.invoke(n, config)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))) == [{"a": n, "b": n} for n in range(4)]
    roots = [span for span in trail.spans if span["parent_id"] is None]
    assert len(roots) == 4
    assert len(trail.spans) == 4 * 5


def test_a_tool_is_a_tool_span_and_a_handled_error_is_none(config, trail):
    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return work(a) + b

    @tool
    def broken(a: int) -> int:
        """Break."""
        raise ValueError("no")

    assert add.invoke({"a": 1, "b": 2}, config) == 3
    call = {"name": "add", "args": {"a": 1, "b": 2}, "id": "call-1", "type": "tool_call"}
    assert add.invoke(call, config).content == "3"
    with pytest.raises(ValueError, match="no"):
        broken.invoke({"a": 1}, config)
    tools = [span for span in trail.spans if span["type"] == "tool"]
    assert [span["status"] for span in tools] == ["ok", "ok", "error"]
    assert tools[0]["input"] == {"a": 1, "b": 2}
    assert tools[1]["metadata"]["tool_call_id"] == "call-1"
    assert tools[1]["output"]["content"] == "3"
    assert tools[2]["error"]["message"] == "no"
    assert trail.tree().count("\n  work (general) ok") == 2


def test_an_error_is_recorded_once_a_level_and_arrives_as_it_was(config, trail):
    def fail(_):
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom") as caught:
        (RunnableLambda(work) | RunnableLambda(fail)).invoke(1, config)
    assert caught.value.__cause__ is None
    assert [span["status"] for span in trail.spans] == ["error", "ok", "ok", "error"]


def test_retries_and_fallbacks_are_visible_and_the_whole_is_fine(config, trail):
    tries = []

    def flaky(x):
        tries.append(x)
        if len(tries) < 3:
            raise ValueError("not yet")
        return x

    target = RunnableLambda(flaky).with_retry(stop_after_attempt=3, wait_exponential_jitter=False)
    assert target.invoke(1, config) == 1

    def broken(x):
        raise KeyError(x)

    assert RunnableLambda(broken).with_fallbacks([RunnableLambda(work)]).invoke(2, config) == 2
    statuses = [(span["name"], span["status"]) for span in trail.spans]
    assert statuses.count(("flaky", "error")) == 2
    assert ("broken", "error") in statuses
    assert {span["status"] for span in trail.spans if span["parent_id"] is None} == {"ok"}


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_a_stream_left_early_is_cancelled_and_nothing_stays_open(how, config, trail):
    target = PROMPT | model(AIMessage(" ".join(map(str, range(50)))))

    def leave():
        for _ in target.stream({"question": "?"}, config):
            break

    async def leave_async():
        stream = target.astream({"question": "?"}, config)
        async for _ in stream:
            break
        await stream.aclose()

    leave() if how == "stream" else asyncio.run(leave_async())
    work("next")
    root, *steps, after = sorted(trail.spans, key=lambda span: span["start_us"])
    assert root["status"] == "cancelled"
    assert all(span["status"] in ("ok", "cancelled") for span in steps)
    assert after["parent_id"] is None


def test_callbacks_given_again_inside_a_step_stay_in_the_trace(config, trail):
    inner = RunnableLambda(work)
    RunnableLambda(lambda x: inner.invoke(x, config)).invoke(1, config)
    assert trail.tree() == "RunnableLambda (chain) ok\n  work (chain) ok\n    work (general) ok"


def test_a_step_that_is_to_be_hidden_is_but_what_it_does_is_not(config, trail):
    inner = RunnableLambda(work).with_config(run_name="inner", tags=["langsmith:hidden"])

    def hidden(x):
        trailmark.update_current_span(metadata={"from": "inside"})
        if x == 0:
            raise ValueError("nothing")
        return model(AIMessage("Tea.")).invoke(str(inner.invoke(x)), config).content

    shown = RunnableLambda(hidden).with_config(tags=["langsmith:hidden"]) | RunnableLambda(str).with_config(
        run_name="end"
    )
    assert shown.invoke(1, config) == "Tea."
    with pytest.raises(ValueError, match="nothing"):
        shown.invoke(0, config)
    assert trail.tree() == (
        "RunnableSequence (chain) ok\n  work (general) ok\n  GenericFakeChatModel (llm) ok\n  end (chain) ok\n"
        "RunnableSequence (chain) error"
    )
    assert trail.spans[0]["metadata"] == {"from": "inside"}
