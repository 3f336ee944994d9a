"""The same programs, bare and traced: same results, order, exceptions and events for others; and nothing stays behind."""

import asyncio
import gc
import operator
import types
from typing import Annotated, TypedDict

import pytest
import trailmark
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from langchain_core.tools import ToolException, tool
from trailmark_langchain import TrailmarkTracer, instrument

try:
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Command, Send, interrupt
except ImportError:
    StateGraph = None

PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
ASKED = {"question": "What is it?"}


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        if query == "none":
            raise LookupError("no shelf")
        return [Document(f"About {query}.", metadata={"score": 0.5})]


@tool
def add(a: int, b: int) -> int:
    """Add."""
    if a < 0:
        raise ToolException("no negative")
    return a + b


def chain(*answers):
    return (
        PROMPT
        | GenericFakeChatModel(messages=iter([AIMessage(one) for one in answers or ["It is tea."]]))
        | StrOutputParser()
    )


def fails(value):
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise ValueError(f"no {value}") from error


def invoked(config):
    return chain().invoke(ASKED, config)


def invoked_async(config):
    return asyncio.run(chain().ainvoke(ASKED, config))


def streamed(config):
    pieces = chain().stream(ASKED, config)
    return isinstance(pieces, types.GeneratorType), list(pieces), list(pieces)


def streamed_async(config):
    async def read():
        pieces = chain().astream(ASKED, config)
        return isinstance(pieces, types.AsyncGeneratorType), [piece async for piece in pieces]

    return asyncio.run(read())


def stream_left(config):
    pieces = chain("a b c d e f").stream(ASKED, config)
    return next(pieces), next(pieces), pieces.close(), list(pieces)


def stream_left_async(config):
    async def read():
        pieces = chain("a b c d e f").astream(ASKED, config)
        first = await anext(pieces)
        await pieces.aclose()
        return first, [piece async for piece in pieces]

    return asyncio.run(read())


def stream_thrown_into(config):
    pieces = chain("a b c").stream(ASKED, config)
    next(pieces)
    return pieces.throw(RuntimeError("from outside"))


def error(config):
    return (RunnableLambda(str) | RunnableLambda(fails)).invoke(1, config)


def error_async(config):
    return asyncio.run((RunnableLambda(str) | RunnableLambda(fails)).ainvoke(1, config))


def error_of_an_input(config):
    return PROMPT.invoke({"wrong": 1}, config)


def error_in_a_stream(config):
    def pieces(given):
        yield "a"
        raise ConnectionError("cut off")

    got = []
    try:
        got.extend(RunnableGenerator(pieces).stream(iter(["x"]), config))
    finally:
        if got != ["a"]:
            raise AssertionError(got)
    return got


def batch(config):
    return RunnableLambda(lambda n: 10 // n).batch([5, 0, 2], config, return_exceptions=True)[::2]


def batch_as_completed(config):
    return sorted(RunnableLambda(lambda n: n + 1).batch_as_completed([1, 2, 3], config))


def batch_error(config):
    return RunnableLambda(lambda n: 10 // n).batch([5, 0], config)


def branches(config):
    made = RunnableParallel(a=RunnableLambda(lambda n: n + 1), b=RunnablePassthrough()) | RunnableBranch(
        (lambda both: both["a"] > 5, RunnableLambda(lambda both: "large")), RunnableLambda(lambda both: both)
    )
    return made.invoke(1, config), made.invoke(9, config)


def retried(config):
    tries = []

    def flaky(n):
        tries.append(n)
        if len(tries) < 3:
            raise ValueError("not yet")
        return len(tries)

    return RunnableLambda(flaky).with_retry(stop_after_attempt=3, wait_exponential_jitter=False).invoke(1, config)


def retried_in_vain(config):
    target = RunnableLambda(fails).with_retry(stop_after_attempt=2, wait_exponential_jitter=False)
    return target.invoke(1, config)


def fallen_back(config):
    return (RunnableLambda(str) | RunnableLambda(fails).with_fallbacks([RunnableLambda(len)])).invoke(12, config)


def parsed(config):
    model = FakeListChatModel(responses=['{"a": [1, 2'])
    return list((model | JsonOutputParser()).stream("Hi", config))


def completion(config):
    model = FakeListLLM(responses=["a", "b"])
    return model.invoke("Hi", config), asyncio.run(model.ainvoke("Hi", config))


def generated(config):
    model = FakeListChatModel(responses=["a", "b"])
    found = model.generate([[AIMessage("x")], [AIMessage("y")]], callbacks=config.get("callbacks"))
    return [group[0].text for group in found.generations]


def tools(config):
    call = {"name": "add", "args": {"a": 1, "b": 2}, "id": "c1", "type": "tool_call"}
    return add.invoke({"a": 1, "b": 2}, config), add.invoke(call, config), asyncio.run(add.ainvoke(call, config))


def tool_fails(config):
    return add.invoke({"a": -1, "b": 2}, config)


def tool_given_nonsense(config):
    return add.invoke({"a": "x", "b": 2}, config)


def retrieved(config):
    return Shelf().invoke("tea", config), asyncio.run(Shelf().ainvoke("tea", config))


def retrieved_in_vain(config):
    return Shelf().invoke("none", config)


def cancelled(config):
    async def run():
        began = asyncio.Event()

        async def slow(n):
            began.set()
            await asyncio.sleep(60)

        task = asyncio.create_task((RunnableLambda(str) | RunnableLambda(slow)).ainvoke(1, config))
        await began.wait()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return type(error), type(error.__cause__), task.cancelled()

    return asyncio.run(run())


def ended_by_the_program(config):
    def leave(_):
        raise SystemExit(3)

    try:
        RunnableLambda(leave).invoke(1, config)
    except SystemExit as error:
        return error.code


def events(config):
    async def read():
        found = chain("a b").astream_events(ASKED, config, version="v2")
        return [(event["event"], event["name"], str(event["data"].get("chunk", ""))[:20]) async for event in found]

    told = asyncio.run(read())
    return [(kind, name) for kind, name, _ in told if kind != "on_custom_event"]


def configured(config):
    seen = []

    def look(value, config):
        seen.append((config["tags"], {key: value for key, value in config["metadata"].items() if key == "mine"}))
        return value

    RunnableLambda(look).invoke(1, {**config, "tags": ["t"], "metadata": {"mine": 1}, "run_name": "n"})
    return seen


if StateGraph is not None:

    class State(TypedDict):
        seen: Annotated[list, operator.add]

    def graph(**more):
        made = StateGraph(State)
        made.add_node("each", lambda n: {"seen": [n]})
        made.add_node("ask", lambda state: {"seen": [interrupt("go on?")]})
        made.add_node("last", lambda state: Command(update={"seen": ["last"]}, goto=END))
        made.add_conditional_edges(START, lambda state: [Send("each", n) for n in range(3)])
        made.add_edge("each", "ask")
        made.add_edge("ask", "last")
        return made.compile(checkpointer=InMemorySaver())

    def graph_interrupted_and_resumed(config):
        app, settings_ = graph(), {**config, "configurable": {"thread_id": "t"}}
        first = app.invoke({"seen": []}, settings_)
        states = app.get_state(settings_).next
        return first["seen"], states, app.invoke(Command(resume="yes"), settings_), app.get_state(settings_).values

    def graph_streamed(config):
        app, settings_ = graph(), {**config, "configurable": {"thread_id": "t"}}
        pieces = list(app.stream({"seen": []}, settings_, stream_mode=["updates", "values"]))
        return [(mode, sorted(map(str, piece))) for mode, piece in pieces]

    def graph_fails(config):
        made = StateGraph(State)
        made.add_node("fails", fails)
        made.add_edge(START, "fails")
        return made.compile().invoke({"seen": []}, config)


PROGRAMS = [
    program
    for name, program in list(globals().items())
    if isinstance(program, types.FunctionType)
    and program.__module__ == __name__
    and program.__code__.co_varnames[: program.__code__.co_argcount] == ("config",)
]


class Diary(BaseCallbackHandler):
    """Somebody else's handler: what it is told, and where."""

    def __init__(self):
        self.told = []

    def __getattribute__(self, name):
        if name.startswith("on_"):
            return lambda *args, **kwargs: self.told.append((name, kwargs.get("name"), len(args), sorted(kwargs)))
        return super().__getattribute__(name)


class AsyncDiary(AsyncCallbackHandler):
    def __init__(self):
        self.told = []

    async def on_chain_start(self, *args, **kwargs):
        self.told.append("start")

    async def on_chain_end(self, *args, **kwargs):
        self.told.append("end")


def outcome(program, config):
    try:
        return program(config)
    except Exception as error:
        return type(error), str(error), type(error.__cause__), type(error.__context__), error.__suppress_context__


@pytest.mark.parametrize("how", ["callbacks", "instrument"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_does_the_same_bare_and_traced(program, how, trail, caplog):
    bare = outcome(program, {})
    assert trail.spans == []
    said = [record.getMessage() for record in caplog.records]
    caplog.clear()
    undo = instrument() if how == "instrument" else lambda: None
    try:
        with trailmark.span("outer"):
            traced = outcome(program, {"callbacks": [TrailmarkTracer()]} if how == "callbacks" else {})
    finally:
        undo()
    gc.collect()
    assert traced == bare
    assert [record.getMessage() for record in caplog.records] == said
    assert len(trail.spans) > 1
    assert "running" not in {span["status"] for span in trail.spans}
    assert trail.span("outer")["parent_id"] is None
    assert len({span["trace_id"] for span in trail.spans}) == 1


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_other_handlers_are_told_the_same_bare_and_traced(program, trail):
    alone, beside, awaited_alone, awaited_beside = Diary(), Diary(), AsyncDiary(), AsyncDiary()
    outcome(program, {"callbacks": [alone, awaited_alone]})
    outcome(program, {"callbacks": [beside, awaited_beside, TrailmarkTracer()]})
    assert sorted(map(str, beside.told)) == sorted(map(str, alone.told))
    assert sorted(awaited_beside.told) == sorted(awaited_alone.told)


def test_there_are_enough_programs():
    assert len(PROGRAMS) >= (33 if StateGraph is not None else 30)
