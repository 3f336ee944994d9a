"""LangGraph and agents over the real packages; model calls go over a real wire to a service on loopback."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import pytest
import trailmark
from trailmark_langchain import TrailmarkTracer

prebuilt = pytest.importorskip("langgraph.prebuilt")
langchain_openai = pytest.importorskip("langchain_openai")
trailmark_openai = pytest.importorskip("trailmark_openai")
from langchain_core.messages import HumanMessage  # noqa: E402
from langchain_core.tools import tool  # noqa: E402

try:
    from langchain.agents import create_agent
except ImportError:  # before langchain 1.0 an agent was LangGraph's
    create_agent, ASKS = prebuilt.create_react_agent, "agent (chain) ok"
    INSIDE = ""  # and had steps of its own around the model
else:
    ASKS, INSIDE = "model (chain) ok", "ChatOpenAI (llm) ok"

CORE = tuple(map(int, version("langchain-core").split(".")[:2]))
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


EVERY_WAY = ["invoke", "ainvoke", "stream", "astream", "batch", "messages", "astream_events v2"]
if CORE >= (1, 7):
    EVERY_WAY += ["stream_events v3", "astream_events v3"]


@pytest.mark.filterwarnings("ignore:The v3 streaming protocol")
@pytest.mark.parametrize("how", EVERY_WAY)
def test_an_agent_is_a_tree_of_model_and_tool_calls(how, model, config, trail):
    agent = create_agent(model, [look])
    asked = {"messages": [HumanMessage("What is it?")]}

    async def collect(events, **more):
        return [piece async for piece in events(asked, config, **more)]

    async def collect_v3():
        stream = await agent.astream_events(asked, config, version="v3")
        return [piece async for piece in stream]

    ways = {
        "invoke": lambda: agent.invoke(asked, config),
        "ainvoke": lambda: asyncio.run(agent.ainvoke(asked, config)),
        "stream": lambda: list(agent.stream(asked, config)),
        "astream": lambda: asyncio.run(collect(agent.astream)),
        "batch": lambda: agent.batch([asked], config),
        "messages": lambda: list(agent.stream(asked, config, stream_mode="messages")),
        "astream_events v2": lambda: asyncio.run(collect(agent.astream_events, version="v2")),
        "stream_events v3": lambda: list(agent.stream_events(asked, config, version="v3")),
        "astream_events v3": lambda: asyncio.run(collect_v3()),
    }

    @trailmark.track
    def outer():
        ways[how]()

    outer()
    tree = trail.tree()
    assert tree.startswith(f"outer (general) ok\n  LangGraph (agent) ok\n    {ASKS}\n      {INSIDE}")
    assert tree.count("look (tool) ok\n        work (general) ok") == 2, tree
    assert tree.count("ChatOpenAI (llm) ok") == 2
    assert {span["status"] for span in trail.spans} == {"ok"}
    tools = [span for span in trail.spans if span["type"] == "tool"]
    assert sorted(span["metadata"]["tool_call_id"] for span in tools) == ["call-0", "call-1"]
    assert not any("usage" in span for span in trail.spans if span["type"] != "llm")


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


def test_an_agent_asked_by_a_tool_of_another_is_inside_of_that_tool(model, config, trail):
    helper = create_agent(model, [], name="helper")

    @tool
    def look(what: str) -> str:
        """Ask the helper."""
        return helper.invoke({"messages": [HumanMessage(what)]})["messages"][-1].content

    create_agent(model, [look], name="host").invoke({"messages": [HumanMessage("?")]}, config)
    tree = trail.tree()
    assert tree.startswith(f"host (agent) ok\n  {ASKS}\n    {INSIDE}")
    assert tree.count(f"    look (tool) ok\n      helper (agent) ok\n        {ASKS}") == 2, tree
    assert len([span for span in trail.spans if span["parent_id"] is None]) == 1
