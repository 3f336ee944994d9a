"""The tracer itself: where it is given, what it is given, and what it tells afterwards."""

import asyncio
import threading

import pytest
import trailmark
from chains import CHAIN_TREE, chain, work
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda
from trailmark_langchain import TrailmarkTracer, instrument


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


def test_nothing_is_recorded_while_tracing_is_off(config, trail):
    trailmark.set_tracing_active(False)
    chain().invoke({"question": "?"}, config)
    trailmark.set_tracing_active(True)
    assert trail.raw == []


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
