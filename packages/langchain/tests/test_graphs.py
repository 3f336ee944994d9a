"""LangGraph's graphs: nodes, fan-out, subgraphs, interrupts and resumes, streams, tools; no model is needed."""

import asyncio
import operator
from typing import Annotated, TypedDict

import pytest
import trailmark

if not hasattr(pytest.importorskip("langgraph.types"), "Command"):
    pytest.skip("this LangGraph has no commands and interrupts yet", allow_module_level=True)
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, Send, interrupt
from trailmark.testing import record_trail
from trailmark_langchain import TrailmarkTracer


class State(TypedDict):
    seen: Annotated[list, operator.add]


@trailmark.track
def work(x):
    return x


def look(state):
    return {"seen": [work(len(state["seen"]))]}


async def alook(state):
    await asyncio.sleep(0)
    return look(state)


def ask(state):
    return {"seen": [interrupt("go on?")]}


def graph(*nodes, checkpointer=None, name=None):
    """Nodes one after the other: names with functions or graphs."""
    made = StateGraph(State)
    before = START
    for label, node in nodes:
        made.add_node(label, node)
        made.add_edge(before, label)
        before = label
    made.add_edge(before, END)
    return made.compile(checkpointer=checkpointer, **({"name": name} if name else {}))


def statuses(trail):
    return [(span["name"], span["type"], span["status"]) for span in trail.spans]


def test_a_graph_is_an_agent_whatever_its_name_and_its_nodes_are_chains(config, trail):
    graph(("one", look), ("two", look), name="planner").invoke({"seen": []}, config)
    assert trail.tree() == (
        "planner (agent) ok\n  one (chain) ok\n    work (general) ok\n  two (chain) ok\n    work (general) ok"
    )
    one = trail.span("one")
    assert (one["metadata"]["langgraph_node"], one["metadata"]["langgraph_step"]) == ("one", 1)
    assert not {key for key in one["metadata"] if "checkpoint" in key or key.startswith(("__", "langgraph_triggers"))}
    assert (one["input"], one["output"]) == ({"seen": []}, {"seen": [0]})


def test_a_subgraph_is_an_agent_inside_of_its_node(config, trail):
    inner = graph(("leaf", look), name="inner")
    graph(("sub", inner), ("by_hand", lambda state: inner.invoke(state))).invoke({"seen": []}, config)
    assert trail.tree() == (
        "LangGraph (agent) ok\n"
        "  sub (chain) ok\n    inner (agent) ok\n      leaf (chain) ok\n        work (general) ok\n"
        "  by_hand (chain) ok\n    inner (agent) ok\n      leaf (chain) ok\n        work (general) ok"
    )


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_a_step_between_two_pieces_of_a_graph_is_its_sibling(how, config, trail):
    app = graph(("one", alook if how == "astream" else look), ("two", alook if how == "astream" else look))

    async def read():
        async for _ in app.astream({"seen": []}, config):
            work("between")

    with trailmark.span("outer"):
        if how == "stream":
            for _ in app.stream({"seen": []}, config):
                work("between")
        else:
            asyncio.run(read())
    outer = trail.span("outer")["id"]
    between = [span for span in trail.spans if span.get("input") == {"x": "between"}]
    assert [span["parent_id"] for span in between] == [outer] * 2
    assert trail.span("LangGraph")["parent_id"] == outer
    assert trail.span("LangGraph")["output"]


@pytest.mark.parametrize("how", ["stream", "astream", "astream not closed"])
def test_a_graph_left_early_is_cancelled_and_the_next_call_unaffected(how, config, trail):
    app = graph(("one", alook if "astream" in how else look), ("two", alook if "astream" in how else look))

    async def read():
        pieces = app.astream({"seen": []}, config)
        async for _ in pieces:
            break
        if how == "astream":
            await pieces.aclose()

    if how == "stream":
        for _ in app.stream({"seen": []}, config):
            break
    else:
        asyncio.run(read())
    work("next")
    assert trail.spans[0]["status"] == "cancelled"
    assert "running" not in {span["status"] for span in trail.spans}
    assert "error" not in {span["status"] for span in trail.spans}
    assert trail.spans[-1]["parent_id"] is None


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
def test_an_interrupt_is_no_error_and_its_resume_is_the_same_thread(how, config, trail):
    app = graph(("before", look), ("ask", ask), ("after", look), checkpointer=InMemorySaver())
    settings = {**config, "configurable": {"thread_id": "t-1"}}

    async def read(given):
        return [piece async for piece in app.astream(given, settings, stream_mode="values")][-1]

    def run(given):
        if how == "invoke":
            return app.invoke(given, settings)
        if how == "ainvoke":
            return asyncio.run(app.ainvoke(given, settings))
        if how == "stream":
            return list(app.stream(given, settings, stream_mode="values"))[-1]
        return asyncio.run(read(given))

    run({"seen": []})
    assert run(Command(resume="yes"))["seen"] == [0, "yes", 2]
    assert trail.tree() == (
        "LangGraph (agent) interrupted\n  before (chain) ok\n    work (general) ok\n  ask (chain) interrupted\n"
        "LangGraph (agent) ok\n  ask (chain) ok\n  after (chain) ok\n    work (general) ok"
    )
    asked, resumed = (span for span in trail.spans if span["name"] == "ask")
    assert asked["output"][0][0]["value"] == "go on?"
    assert "error" not in asked
    again = [span for span in trail.spans if span["name"] == "LangGraph"][1]
    assert (again["input"]["type"], again["input"]["resume"]) == ("Command", "yes")
    assert [trace.get("thread_id") for trace in trail.traces] == ["t-1", "t-1"]
    assert resumed["status"] == "ok"


def test_an_interrupt_in_a_subgraph_reaches_up_to_the_graph_and_no_further(config, trail):
    inner = graph(("ask", ask))
    app = graph(("sub", inner), checkpointer=InMemorySaver())
    settings = {**config, "configurable": {"thread_id": "t-2"}}
    RunnableLambda(lambda given: app.invoke(given, {"configurable": {"thread_id": "t-2"}})).invoke({"seen": []}, config)
    app.invoke(Command(resume="yes"), settings)
    assert statuses(trail) == [
        ("RunnableLambda", "chain", "ok"),
        ("LangGraph", "agent", "interrupted"),
        ("sub", "chain", "interrupted"),
        ("LangGraph", "agent", "interrupted"),
        ("ask", "chain", "interrupted"),
        ("LangGraph", "agent", "ok"),
        ("sub", "chain", "ok"),
        ("LangGraph", "agent", "ok"),
        ("ask", "chain", "ok"),
    ]


def test_a_graph_that_stops_before_a_node_goes_on_in_the_same_thread(config, trail):
    made = StateGraph(State)
    made.add_node("one", look)
    made.add_node("two", look)
    made.add_edge(START, "one")
    made.add_edge("one", "two")
    app = made.compile(checkpointer=InMemorySaver(), interrupt_before=["two"])
    settings = {**config, "configurable": {"thread_id": "t-3"}}
    app.invoke({"seen": []}, settings)
    app.invoke(None, settings)
    assert [line for line in trail.tree().splitlines() if "work" not in line] == [
        "LangGraph (agent) ok",
        "  one (chain) ok",
        "LangGraph (agent) ok",
        "  two (chain) ok",
    ]
    assert {trace["thread_id"] for trace in trail.traces} == {"t-3"}


def test_fan_out_and_commands_keep_their_places(config, trail):
    inner = StateGraph(State)
    inner.add_node("leave", lambda state: Command(goto="last", graph=Command.PARENT, update={"seen": ["inner"]}))
    inner.add_edge(START, "leave")
    outer = StateGraph(State)
    outer.add_node("each", lambda state: {"seen": [work(state)]})
    outer.add_node("sub", inner.compile())
    outer.add_node("last", lambda state: Command(update={"seen": ["last"]}, goto=END))
    outer.add_conditional_edges(START, lambda state: [Send("each", n) for n in range(10)])
    outer.add_edge("each", "sub")
    found = outer.compile().invoke({"seen": []}, config)
    assert sorted(map(str, found["seen"]))[-2:] == ["inner", "last"]
    tree = trail.tree()
    assert tree.count("  each (chain) ok\n    work (general) ok") == 10, tree
    assert {span["input"]["x"] for span in trail.spans if span["name"] == "work"} == set(range(10))
    assert [span["status"] for span in trail.spans if span["name"] in ("sub", "leave")] == ["interrupted"] * 2
    assert trail.span("leave")["output"][0]["goto"] == "last"
    assert trail.span("last")["output"] == {"type": "Command", "goto": "__end__", "update": {"seen": ["last"]}}
    assert {span["status"] for span in trail.spans} == {"ok", "interrupted"}
    assert trail.spans[0]["status"] == "ok"
    assert len([span for span in trail.spans if span["parent_id"] is None]) == 1


def test_a_recursion_limit_is_an_error_of_the_graph(config, trail):
    made = StateGraph(State)
    made.add_node("again", look)
    made.add_edge(START, "again")
    made.add_edge("again", "again")
    with pytest.raises(Exception, match=r"[Rr]ecursion"):
        made.compile().invoke({"seen": []}, {**config, "recursion_limit": 3})
    assert (trail.spans[0]["name"], trail.spans[0]["status"]) == ("LangGraph", "error")
    assert trail.spans[0]["error"]["type"].endswith("GraphRecursionError")


def test_callbacks_given_again_inside_a_node_stay_in_the_trace(config, trail):
    inner = graph(("leaf", look))
    graph(("node", lambda state: inner.invoke(state, config))).invoke({"seen": []}, config)
    assert trail.tree() == (
        "LangGraph (agent) ok\n  node (chain) ok\n    LangGraph (agent) ok\n      leaf (chain) ok\n"
        "        work (general) ok"
    )


def called(name, number=1):
    calls = [{"name": name, "args": {"x": n}, "id": f"c{n}", "type": "tool_call"} for n in range(number)]
    return {"messages": [AIMessage("", tool_calls=calls)]}


def tools(*given, handle=True):
    made = StateGraph(MessagesState)
    made.add_node("tools", ToolNode(list(given), handle_tool_errors=handle))
    made.add_edge(START, "tools")
    return made.compile()


def test_tools_that_run_at_once_are_spans_with_their_calls_and_what_they_track(config, trail):
    @tool
    def double(x: int) -> int:
        """Double."""
        return work(x) * 2

    tools(double).invoke(called("double", 3), config)
    tree = trail.tree()
    assert tree.startswith("LangGraph (agent) ok\n  tools (chain) ok\n    double (tool) ok\n      work (general) ok")
    assert tree.count("    double (tool) ok\n      work (general) ok") == 3
    spans = [span for span in trail.spans if span["type"] == "tool"]
    for span in spans:
        [inside] = [one for one in trail.spans if one["parent_id"] == span["id"]]
        assert inside["input"] == span["input"]
        assert span["metadata"]["tool_call_id"] == f"c{span['input']['x']}"
        assert span["output"]["content"] == str(span["input"]["x"] * 2)


def test_awaited_tools_hold_what_they_track(config, trail):
    @tool
    async def double(x: int) -> int:
        """Double."""
        await asyncio.sleep(0)
        work("before")
        await asyncio.gather(*(asyncio.to_thread(work, x) for _ in range(2)))
        return x * 2

    @trailmark.track
    async def outer():
        await tools(double).ainvoke(called("double", 3), config)
        work("after")

    asyncio.run(outer())
    one = "      double (tool) ok\n" + "        work (general) ok\n" * 3
    assert trail.tree() == (
        f"outer (general) ok\n  LangGraph (agent) ok\n    tools (chain) ok\n{one * 3}  work (general) ok"
    )


def test_a_tool_that_raises_is_the_same_error_on_every_level(config, trail):
    @tool
    def broken(x: int) -> int:
        """Break."""
        raise KeyError("no cup")

    with pytest.raises(KeyError, match="no cup"):
        tools(broken, handle=False).invoke(called("broken"), config)
    assert [(name, status) for name, _, status in statuses(trail)] == [
        ("LangGraph", "error"),
        ("tools", "error"),
        ("broken", "error"),
    ]
    assert {span["error"]["type"] for span in trail.spans} == {"KeyError"}


def test_a_tools_error_that_is_handled_is_no_error_of_the_graph(config, trail):
    @tool
    def broken(x: int) -> int:
        """Break."""
        raise ValueError("no cup")

    found = tools(broken).invoke(called("broken"), config)
    assert "no cup" in found["messages"][-1].content
    assert {name: status for name, _, status in statuses(trail)} == {
        "LangGraph": "ok",
        "tools": "ok",
        "broken": "error",  # it did raise; who called it coped
    }


def test_a_function_may_be_tracked_below_or_above_its_tool(config, trail):
    @tool
    @trailmark.track(name="below")
    def one(x: int) -> int:
        """One."""
        return x

    assert one.invoke({"x": 1}, config) == 1
    assert one.args == {"x": {"title": "X", "type": "integer"}}
    above = trailmark.track(name="above")(lambda x: one.invoke({"x": x}, config))
    assert above(2) == 2
    assert (
        trail.tree()
        == "one (tool) ok\n  below (general) ok\nabove (general) ok\n  one (tool) ok\n    below (general) ok"
    )


def test_many_graphs_at_once_do_not_mix(config, trail):
    app = graph(("one", alook), ("two", alook))

    @trailmark.track
    async def request(n):
        return await app.ainvoke({"seen": [f"r{n}"]}, config)

    async def main():
        await asyncio.gather(*(request(n) for n in range(20)))

    asyncio.run(main())
    by_trace = {}
    for span in trail.spans:
        by_trace.setdefault(span["trace_id"], []).append(span)
    assert len(by_trace) == 20
    for root, *rest in by_trace.values():
        assert [span["name"] for span in rest] == ["LangGraph", "one", "work", "two", "work"]
        assert rest[0]["input"]["seen"] == [f"r{root['input']['n']}"]
        assert rest[1]["input"]["seen"][0] == f"r{root['input']['n']}"


def test_a_functional_workflow_shows_its_tasks(config, trail):
    func = pytest.importorskip("langgraph.func")

    @func.task
    def part(x):
        return work(x)

    @func.entrypoint()
    def flow(n):
        return sum(one.result() for one in [part(x) for x in range(n)])

    assert flow.invoke(3, config) == 3
    assert trail.tree().count("    part (chain) ok\n      work (general) ok") == 3
    assert len([span for span in trail.spans if span["parent_id"] is None]) == 1


def test_what_an_interrupt_asks_and_is_answered_is_left_to_the_capture_settings():
    def asks(state):
        return {"seen": [interrupt("marker?"), "marker"]}

    app = graph(("ask", asks), checkpointer=InMemorySaver())
    settings = {"callbacks": [TrailmarkTracer()], "configurable": {"thread_id": "t-1"}}
    with record_trail(capture_input=False, capture_output=False) as trail:
        app.invoke({"seen": ["marker"]}, settings)
        assert app.invoke(Command(resume="marker"), settings)["seen"] == ["marker"] * 3
    assert [span["status"] for span in trail.spans] == ["interrupted", "interrupted", "ok", "ok"]
    assert not [record for record in trail.raw if b"marker" in record]
