"""LangGraph and agents over the real packages; model calls go over a real wire to a service on loopback."""

import json
import operator
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, TypedDict

import pytest
import trailmark
from trailmark_langchain import TrailmarkTracer

pytest.importorskip("langgraph")
langchain_openai = pytest.importorskip("langchain_openai")
trailmark_openai = pytest.importorskip("trailmark_openai")
from langchain.agents import create_agent  # noqa: E402
from langchain_core.messages import HumanMessage  # noqa: E402
from langchain_core.tools import tool  # noqa: E402
from langgraph.checkpoint.memory import InMemorySaver  # noqa: E402
from langgraph.graph import END, START, StateGraph  # noqa: E402
from langgraph.types import Command, Send, interrupt  # noqa: E402

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "prompt_tokens_details": {"cached_tokens": 4}}


@trailmark.track
def work(x):
    return x


class _Service(BaseHTTPRequestHandler):
    """Asks for the tool `look` once, then answers; streams where it is asked to."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        has_result = any(message["role"] == "tool" for message in asked["messages"])
        message = {"role": "assistant", "content": "It is tea."}
        if asked.get("tools") and not has_result:
            function = {"name": "look", "arguments": '{"what": "cup"}'}
            calls = [{"index": n, "id": f"call-{n}", "type": "function", "function": function} for n in range(2)]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        head = {"id": "c1", "created": 1, "model": "gpt-4o-mini-2024"}
        if asked.get("stream"):
            parts = [{"choices": [{"index": 0, "delta": message, "finish_reason": None}]}]
            parts += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
            parts += [{"choices": [], "usage": USAGE}]
            lines = [f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', **part})}\n\n" for part in parts]
            body, kind = "".join([*lines, "data: [DONE]\n\n"]).encode(), "text/event-stream"
        else:
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            answer = {**head, "object": "chat.completion", "choices": choices, "usage": USAGE}
            body, kind = json.dumps(answer).encode(), "application/json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def model():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield langchain_openai.ChatOpenAI(
        model="gpt-4o-mini", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", stream_usage=True
    )
    server.shutdown()
    thread.join()
    server.server_close()


@tool
def look(what: str) -> str:
    """Look at something."""
    return f"a {work(what)}"


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_a_model_call_seen_by_both_integrations_is_one_span(how, model, config, trail):
    undo = trailmark_openai.instrument()
    try:
        with trailmark.span("outer"):
            model.invoke("Hi", config) if how == "invoke" else list(model.stream("Hi", config))
    finally:
        undo()
    assert trail.tree() == "outer (general) ok\n  ChatOpenAI (llm) ok"
    llm = trail.span("ChatOpenAI")
    assert (llm["provider"], llm["model"]) == ("openai", "gpt-4o-mini-2024")
    assert llm["usage"] == {"input": 7, "input_cached": 4, "output": 7}


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
def test_an_agent_is_a_tree_of_model_and_tool_calls(how, model, config, trail):
    import asyncio

    agent = create_agent(model, [look])
    asked = {"messages": [HumanMessage("What is it?")]}

    async def collect():
        return [piece async for piece in agent.astream(asked, config)]

    @trailmark.track
    def outer():
        if how == "invoke":
            return agent.invoke(asked, config)
        if how == "ainvoke":
            return asyncio.run(agent.ainvoke(asked, config))
        return list(agent.stream(asked, config)) if how == "stream" else asyncio.run(collect())

    outer()
    tree = trail.tree()
    assert tree.startswith(
        "outer (general) ok\n  LangGraph (agent) ok\n    model (chain) ok\n      ChatOpenAI (llm) ok"
    )
    assert tree.count("look (tool) ok\n        work (general) ok") == 2, tree
    assert tree.count("ChatOpenAI (llm) ok") == 2
    assert {span["status"] for span in trail.spans} == {"ok"}
    tools = [span for span in trail.spans if span["type"] == "tool"]
    assert sorted(span["metadata"]["tool_call_id"] for span in tools) == ["call-0", "call-1"]
    assert not any("usage" in span for span in trail.spans if span["type"] != "llm")


class State(TypedDict):
    seen: Annotated[list, operator.add]


def test_an_interrupt_is_no_error_and_its_resume_is_the_same_thread(config, trail):
    def ask(state):
        return {"seen": [interrupt("go on?")]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    app = graph.compile(checkpointer=InMemorySaver())
    settings = {**config, "configurable": {"thread_id": "t-1"}}
    app.invoke({"seen": []}, settings)
    assert app.invoke(Command(resume="yes"), settings) == {"seen": ["yes"]}
    asked = [span["status"] for span in trail.spans if span["name"] == "ask"]
    assert asked == ["interrupted", "ok"]
    assert [trace.get("thread_id") for trace in trail.traces] == ["t-1", "t-1"]
    assert "error" not in {span["status"] for span in trail.spans}


def test_fan_out_subgraphs_and_commands_keep_their_places(config, trail):
    inner = StateGraph(State)
    inner.add_node("leave", lambda state: Command(goto="last", graph=Command.PARENT, update={"seen": ["inner"]}))
    inner.add_edge(START, "leave")
    outer = StateGraph(State)
    outer.add_node("each", lambda state: {"seen": [work(state)]})
    outer.add_node("sub", inner.compile())
    outer.add_node("last", lambda state: {"seen": ["last"]})
    outer.add_conditional_edges(START, lambda state: [Send("each", n) for n in range(10)])
    outer.add_edge("each", "sub")
    outer.add_edge("last", END)
    found = outer.compile().invoke({"seen": []}, config)
    assert sorted(map(str, found["seen"]))[-2:] == ["inner", "last"]
    tree = trail.tree()
    assert tree.count("  each (chain) ok\n    work (general) ok") == 10, tree
    assert "error" not in {span["status"] for span in trail.spans}, tree
    assert trail.span("leave")["status"] == "interrupted"
    assert len([span for span in trail.spans if span["parent_id"] is None]) == 1


def test_a_recursion_limit_is_an_error_of_the_graph(config, trail):
    graph = StateGraph(State)
    graph.add_node("again", lambda state: {"seen": [1]})
    graph.add_edge(START, "again")
    graph.add_edge("again", "again")
    with pytest.raises(Exception, match=r"[Rr]ecursion"):
        graph.compile().invoke({"seen": []}, {**config, "recursion_limit": 3})
    assert (trail.spans[0]["name"], trail.spans[0]["status"]) == ("LangGraph", "error")


def test_the_tracer_can_be_shared_by_threads_that_run_agents(model, trail):
    tracer = TrailmarkTracer()
    agent = create_agent(model, [look])
    threads = [
        threading.Thread(
            target=agent.invoke,
            args=({"messages": [HumanMessage(f"{n}?")]},),
            kwargs={"config": {"callbacks": [tracer]}},
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    roots = [span for span in trail.spans if span["parent_id"] is None]
    assert [root["name"] for root in roots] == ["LangGraph"] * 4
    assert len({span["trace_id"] for span in trail.spans}) == 4
