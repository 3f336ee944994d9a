"""Runs of langchain-core: the right tree, in every way to run a chain."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import trailmark
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore
from trailmark.testing import record_trail
from trailmark_langchain import TrailmarkTracer, instrument

PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
USAGE = {
    "input_tokens": 11,
    "output_tokens": 7,
    "total_tokens": 18,
    "input_token_details": {"cache_read": 4, "audio": 1},
    "output_token_details": {"reasoning": 3},
}
CHAIN_TREE = """\
RunnableSequence (chain) ok
  ChatPromptTemplate (chain) ok
  GenericFakeChatModel (llm) ok
  StrOutputParser (chain) ok"""


@trailmark.track
def work(x):
    return x


def model(*answers):
    said = answers or (AIMessage("It is tea.", usage_metadata=USAGE, response_metadata={"model_name": "m-1"}),)
    return GenericFakeChatModel(messages=iter(said * 100))


def chain():
    return PROMPT | model() | StrOutputParser()


def run(how, target, given, config):
    async def collect():
        return [piece async for piece in target.astream(given, config)]

    if how == "invoke":
        return target.invoke(given, config)
    if how == "ainvoke":
        return asyncio.run(target.ainvoke(given, config))
    if how == "stream":
        return "".join(target.stream(given, config))
    return "".join(asyncio.run(collect()))


HOW = ["invoke", "ainvoke", "stream", "astream"]


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


def test_a_tracer_given_twice_or_everywhere_makes_one_tree(config, trail, tracer):
    undo = instrument()
    try:
        again = TrailmarkTracer()
        chain().with_config(callbacks=[tracer]).invoke({"question": "?"}, {"callbacks": [tracer, again]})
    finally:
        undo()
    assert trail.tree() == CHAIN_TREE


def test_the_process_can_be_traced_without_callbacks_also_in_a_bare_thread(trail):
    undo, again = instrument(), instrument()
    thread = threading.Thread(target=lambda: chain().invoke({"question": "?"}))
    thread.start()
    thread.join()
    assert trail.tree() == CHAIN_TREE
    again()
    undo()
    trail.raw.clear()
    chain().invoke({"question": "?"})
    assert trail.spans == []


def test_a_bare_thread_nests_with_a_copied_context_and_is_a_trace_of_its_own_without(trail):
    undo = instrument()

    def step(copies):
        inner = RunnableLambda(work).invoke
        thread = threading.Thread(target=trailmark.context.copy_to_thread(inner) if copies else inner, args=(1,))
        thread.start()
        thread.join()

    try:
        RunnableLambda(step).invoke(True)
        RunnableLambda(step).invoke(False)
    finally:
        undo()
    assert trail.tree() == (
        "step (chain) ok\n  work (chain) ok\n    work (general) ok\nstep (chain) ok\nwork (chain) ok\n  work (general) ok"
    )


def test_a_tracer_given_to_the_model_itself_sees_its_calls(tracer, trail):
    FakeListChatModel(responses=["a"], callbacks=[tracer]).invoke("Hi")
    with trailmark.span("outer"):
        (RunnableLambda(work) | FakeListChatModel(responses=["a"], callbacks=[tracer])).invoke("Hi")
    assert trail.tree() == (
        "FakeListChatModel (llm) ok\nouter (general) ok\n  work (general) ok\n  FakeListChatModel (llm) ok"
    )


def test_callbacks_given_again_inside_a_step_stay_in_the_trace(config, trail):
    inner = RunnableLambda(work)
    RunnableLambda(lambda x: inner.invoke(x, config)).invoke(1, config)
    assert trail.tree() == "RunnableLambda (chain) ok\n  work (chain) ok\n    work (general) ok"


def test_names_tags_metadata_and_people_are_those_of_the_user(config, trail):
    given = {"session_id": "chat-7", "user_id": "ada", "team": "tea"}
    with_own = {**config, "run_name": "my chain", "tags": ["mine"], "metadata": given}
    chain().invoke({"question": "?"}, with_own)
    root, prompt, *_ = trail.spans
    assert (root["name"], root["tags"]) == ("my chain", ["mine"])
    assert prompt["tags"] == ["mine"]
    assert not any(key.startswith("ls_") for span in trail.spans for key in span["metadata"])
    assert root["metadata"]["team"] == "tea"
    [trace] = trail.traces
    assert (trace["thread_id"], trace["user_id"]) == ("chat-7", "ada")


def test_the_tracers_own_fields_and_the_trace_of_another_service(trail):
    tracer = TrailmarkTracer(
        project_name="shop",
        thread_id="t",
        tags=["a"],
        metadata={"m": 1},
        headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
    )
    RunnableLambda(work).invoke(1, {"callbacks": [tracer]})
    root = trail.spans[0]
    assert tracer.trace_id == root["trace_id"] == "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
    assert root["project"] == "shop"
    RunnableLambda(work).invoke(1, {"callbacks": [other := TrailmarkTracer(thread_id="t", tags=["a"])]})
    trace = next(trace for trace in trail.traces if trace["id"] == other.trace_id)
    assert (trace["thread_id"], trace["tags"]) == ("t", ["a"])
    with pytest.raises(TypeError, match="tags is 'a'"):
        TrailmarkTracer(tags="a")


def test_a_trace_of_another_service_goes_on_below_its_span_whatever_is_current(trail):
    with trailmark.span("caller") as caller:
        headers = trailmark.context.distributed_headers()
    tracer = TrailmarkTracer(headers=headers)
    with trailmark.span("unrelated"):
        RunnableLambda(work).invoke(1, {"callbacks": [tracer]})
    RunnableLambda(work).invoke(1, {"callbacks": [tracer]})
    runs = [span for span in trail.spans if span["type"] == "chain"]
    assert {(span["trace_id"], span["parent_id"]) for span in runs} == {(caller.trace_id, caller.id)}
    assert trail.span("unrelated")["trace_id"] != caller.trace_id
    with trailmark.context.attach(headers), trailmark.span("here"):  # as the web middleware does
        RunnableLambda(work).invoke(2, {"callbacks": [tracer]})
    assert trail.spans[-2]["parent_id"] == trail.span("here")["id"]
    assert tracer.trace_id == caller.trace_id
    assert trail.tree().startswith("caller (general) ok\n  work (chain) ok\n    work (general) ok")


@pytest.mark.parametrize("headers", [None, {}, {"traceparent": "nonsense"}, {"traceparent": ""}])
def test_headers_that_say_nothing_begin_a_trace(headers, trail):
    RunnableLambda(work).invoke(1, {"callbacks": [TrailmarkTracer(headers=headers)]})
    assert trail.spans[0]["parent_id"] is None


def test_the_trace_and_its_page_are_known_after_the_call(tmp_path):
    import json
    import os

    tracer = TrailmarkTracer()
    assert (tracer.trace_id, tracer.trace_url) == (None, None)
    trailmark.configure(home=tmp_path, quiet=True)
    try:
        RunnableLambda(work).invoke(1, {"callbacks": [tracer]})
        assert tracer.trace_url is None  # nobody serves a page here
        (tmp_path / "server.json").write_text(json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:7171/"}))
        assert tracer.trace_url == f"http://127.0.0.1:7171/t/{tracer.trace_id}"
    finally:
        trailmark.configure(home=None, quiet=None)


def test_what_is_changed_after_the_call_was_recorded_as_it_was(config, trail):
    given = {"question": "before"}

    def change(value):
        value["question"] = "after"
        return value

    RunnableLambda(change).invoke(given, config)
    assert trail.spans[0]["input"] == {"question": "before"}


def test_state_that_cannot_be_serialised_does_no_harm(config, trail):
    cycle = {"lock": threading.Lock(), "text": "x" * 50_000_000}
    cycle["self"] = cycle
    assert RunnableLambda(lambda state: len(state)).invoke(cycle, config) == 3
    assert trail.spans[0]["status"] == "ok"
    assert sum(map(len, trail.raw)) < 20_000_000


def test_tables_streams_and_classes_are_shown_as_what_they_are_and_left_alone(config, trail):
    pandas = pytest.importorskip("pandas")
    pieces = iter([1, 2])
    state = {
        "table": pandas.DataFrame({"a": [1, 2]}),
        "pieces": pieces,
        "schema": HumanMessage,
        "raw": b"\x00" * 99_999,
    }
    assert RunnableLambda(lambda given: list(given["pieces"])).invoke(state, config) == [1, 2]
    shown = trail.spans[0]["input"]
    assert "DataFrame" in str(shown["table"])
    assert "list_iterator" in str(shown["pieces"])
    assert "HumanMessage" in str(shown["schema"])
    assert len(trail.raw[-1]) < 20_000


def test_a_fault_of_ours_does_not_reach_the_chain(monkeypatch, tmp_path, caplog):
    from trailmark_langchain import _mapping

    trailmark.configure(home=tmp_path, quiet=True)
    monkeypatch.setattr(_mapping, "name_of", lambda *args: 1 / 0)
    try:
        assert chain().invoke({"question": "?"}, {"callbacks": [TrailmarkTracer()]}) == "It is tea."
    finally:
        trailmark.configure(home=None, quiet=None)
    assert caplog.records == []


def test_nothing_is_kept_of_runs_that_ended_failed_or_were_left(config, trail):
    from trailmark_langchain import _runs

    for how in HOW:
        run(how, chain(), {"question": "?"}, config)
    for _ in (PROMPT | model(AIMessage("a b c"))).stream({"question": "?"}, config):
        break
    with pytest.raises(ZeroDivisionError):
        RunnableLambda(lambda x: x / 0).invoke(1, config)
    assert (_runs._begun, _runs._open, dict(_runs._stray)) == ({}, {}, {})
    assert len(_runs._late) <= 256


def test_runs_whose_end_is_never_told_are_given_up_in_the_end(config, trail, tracer, monkeypatch):
    from uuid import UUID

    from trailmark_langchain import _runs

    monkeypatch.setattr(_runs, "_KEEP_OPEN", 10)
    for n in range(20):
        tracer.on_chain_start({}, n, run_id=UUID(int=n), name="abandoned")
    assert [span["status"] for span in trail.spans] == ["cancelled"] * 10 + ["running"] * 10
    for n in range(20):
        tracer.on_chain_end(n, run_id=UUID(int=n))
    assert [span["status"] for span in trail.spans] == ["cancelled"] * 10 + ["ok"] * 10
    assert (_runs._begun, _runs._open, dict(_runs._late)) == ({}, {}, {})


def test_work_that_goes_on_after_its_chain_ends_by_itself(config, trail):
    async def main():
        going = []

        async def slow(x):
            await asyncio.sleep(0.01)
            return work(x)

        async def start(x):
            going.append(asyncio.create_task(RunnableLambda(slow).ainvoke(x)))
            await asyncio.sleep(0.005)
            return x

        await RunnableLambda(start).ainvoke(1, config)
        await going[0]

    asyncio.run(main())
    assert trail.tree() == "start (chain) ok\n  slow (chain) ok\n    work (general) ok"


def test_nothing_is_recorded_while_tracing_is_off(config, trail):
    trailmark.set_tracing_active(False)
    chain().invoke({"question": "?"}, config)
    trailmark.set_tracing_active(True)
    assert trail.raw == []


def test_messages_with_tools_show_calls_and_results(config, trail):
    call = {"name": "add", "args": {"a": 1}, "id": "c1"}
    history = [HumanMessage("Add."), AIMessage("", tool_calls=[call]), ToolMessage("1", tool_call_id="c1")]
    model(AIMessage("", tool_calls=[call])).invoke(history, config)
    [llm] = trail.spans
    assert llm["input"]["messages"][1]["tool_calls"] == [{"id": "c1", "name": "add", "args": {"a": 1}}]
    assert llm["input"]["messages"][2] == {"role": "tool", "content": "1", "tool_call_id": "c1"}
    assert llm["output"]["tool_calls"][0]["name"] == "add"


def test_fifty_runs_at_once_of_one_tracer_do_not_mix(config, trail):
    async def main():
        target = RunnableLambda(lambda x: x) | RunnableLambda(work)
        return await asyncio.gather(*(target.ainvoke(n, config) for n in range(50)))

    assert asyncio.run(main()) == list(range(50))
    by_trace = {}
    for span in trail.spans:
        by_trace.setdefault(span["trace_id"], []).append(span)
    assert len(by_trace) == 50
    for first, *rest in by_trace.values():
        assert all(span["input"] in (first["input"], {"x": first["input"]}) for span in rest)


def test_an_answer_asked_for_in_several_choices_counts_its_usage_once(config, trail):
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Twice(FakeListChatModel):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            said = [ChatGeneration(message=AIMessage(f"answer {n}", usage_metadata=USAGE)) for n in range(2)]
            return ChatResult(generations=said)

    Twice(responses=[""]).invoke("Hi", config)
    [llm] = trail.spans
    assert [message["content"] for message in llm["output"]] == ["answer 0", "answer 1"]
    assert sum(llm["usage"].values()) == 18


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


def test_a_custom_event_is_in_the_metadata_of_its_run(config, trail):
    from langchain_core.callbacks import dispatch_custom_event

    def step(x):
        dispatch_custom_event("halfway", {"percent": 50})
        return x

    RunnableLambda(step).invoke(1, config)
    assert trail.spans[0]["metadata"]["custom_events"] == [{"name": "halfway", "data": {"percent": 50}}]


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_nothing_said_found_or_done_is_recorded_when_the_settings_leave_it_out(how):
    from langchain_core.callbacks import dispatch_custom_event

    @tool
    def look(what: str) -> str:
        """Look."""
        return what

    def step(text):
        dispatch_custom_event("halfway", {"text": text})
        with trailmark.span("by hand", input="given by hand"):
            trailmark.update_current_span(output="told by hand")
        return work(look.invoke({"what": text}))

    asked = {"question": "marker"}
    docs = InMemoryVectorStore.from_texts(["marker"], DeterministicFakeEmbedding(size=4)).as_retriever()
    said = AIMessage("marker", tool_calls=[{"name": "look", "args": {"what": "marker"}, "id": "c"}])
    whole = (
        PROMPT
        | model(said).bind(stop=["marker"])
        | StrOutputParser()
        | step
        | docs
        | (lambda found: found[0].page_content)
    )
    with record_trail(capture_input=False, capture_output=False) as trail:
        config = {"callbacks": [TrailmarkTracer()]}
        run(how, whole, asked, config)
        with pytest.raises(ZeroDivisionError):
            (RunnableLambda(lambda x: x["question"]) | (lambda x: len(x) / 0)).invoke(asked, config)
    assert len(trail.spans) >= 9
    assert not [record for record in trail.raw if b"marker" in record]
    by_hand = trail.span("by hand")
    assert (by_hand["input"], by_hand["output"]) == ("given by hand", "told by hand")
    told = [span["metadata"]["custom_events"] for span in trail.spans if "custom_events" in span.get("metadata", {})]
    assert told == [[{"name": "halfway"}]]
