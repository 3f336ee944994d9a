"""Random programs of chains, branches, tools, retrievers, models, fallbacks and graphs, many at once, in every way to run
them: the recorded forest is the executed one, and no run is in another's tree."""

import asyncio
import operator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypedDict

import pytest
import trailmark
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnableSequence
from langchain_core.tools import tool
from trailmark.testing import record_trail
from trailmark_langchain import TrailmarkTracer

try:
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Command  # noqa: F401 - before, graphs showed runs of their own insides
except ImportError:
    StateGraph = None

WORK = ("work", "general", "ok", ())
WAYS = ["threads", "batch", "stream", "gather", "abatch", "astream"]


@trailmark.track
def work(n):
    return n


def number(value):
    """What went in, whatever the steps before made of it."""
    while isinstance(value, dict):
        value = next(iter(value.values()))
    return int(value)


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        return [Document(str(work(int(query))))]


@tool
def double(n: int) -> int:
    """Double."""
    return work(n) * 2


def broken(value):
    raise ValueError("no")


LEAVES = st.sampled_from(["step", "tool", "retriever", "model", "fallback"])
PROGRAMS = st.recursive(
    LEAVES.map(lambda kind: (kind,)),
    lambda inner: st.tuples(
        st.sampled_from(["sequence", "branches", "calls", "graph"]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=8,
)


def step(value):
    return work(number(value))


async def async_step(value):
    await asyncio.sleep(0)
    return step(value)


STEP = ("step", "chain", "ok", (WORK,))


def asking(inner, given, tree):
    """A step that asks another runnable, and its tree."""

    def call(value):
        inner.invoke(given(number(value)))
        return number(value)

    async def acall(value):
        await inner.ainvoke(given(number(value)))
        return number(value)

    return RunnableLambda(call, acall).with_config(run_name="call"), ("call", "chain", "ok", (tree,))


def leaf(kind):
    """The runnable, and the tree of what it does."""
    if kind == "step":
        return RunnableLambda(step, async_step).with_config(run_name="step"), STEP
    if kind == "fallback":
        made = RunnableLambda(broken).with_fallbacks([RunnableLambda(step, async_step).with_config(run_name="step")])
        return made, ("RunnableWithFallbacks", "chain", "ok", (("broken", "chain", "error", ()), STEP))
    if kind == "tool":
        return asking(double, lambda n: {"n": n}, ("double", "tool", "ok", (WORK,)))
    if kind == "retriever":
        return asking(Shelf(), str, ("Shelf", "retriever", "ok", (WORK,)))
    return asking(FakeListChatModel(responses=["said"]), str, ("FakeListChatModel", "llm", "ok", ()))


def build(program):
    if len(program) == 1:
        return leaf(program[0])
    kind, parts = program
    runnables, trees = zip(*(build(part) for part in parts), strict=True)
    if kind == "sequence":
        return RunnableSequence(*runnables), ("RunnableSequence", "chain", "ok", flat("RunnableSequence", trees))
    if kind == "branches":
        made = RunnableParallel({f"b{n}": one for n, one in enumerate(runnables)})
        return made.with_config(run_name="branches"), ("branches", "chain", "ok", order(trees))
    if kind == "calls" or StateGraph is None:
        return calls(runnables), ("calls", "chain", "ok", order(trees))
    nodes = order((f"n{n}", "chain", "ok", (("inside", "chain", "ok", (tree,)),)) for n, tree in enumerate(trees))
    return asking(graph(runnables), lambda n: {"n": n, "seen": []}, ("LangGraph", "agent", "ok", nodes))


def flat(name, trees):
    """A sequence in a sequence is one sequence."""
    return order(part for tree in trees for part in (tree[3] if tree[0] == name else (tree,)))


def calls(runnables):
    """One after the other; at once where it is awaited."""

    def call(value):
        for one in runnables:
            one.invoke(number(value))
        return number(value)

    async def acall(value):
        await asyncio.gather(*(one.ainvoke(number(value)) for one in runnables))
        return number(value)

    return RunnableLambda(call, acall).with_config(run_name="calls")


class State(TypedDict):
    n: int
    seen: Annotated[list, operator.add]


def graph(runnables):
    """A node for each, all at once."""
    made = StateGraph(State)
    for n, one in enumerate(runnables):
        made.add_node(f"n{n}", node(one))
        made.add_edge(START, f"n{n}")
        made.add_edge(f"n{n}", END)
    return made.compile()


def node(one):
    def call(state):
        one.invoke(state["n"])
        return {"seen": [1]}

    async def acall(state):
        await one.ainvoke(state["n"])
        return {"seen": [1]}

    return RunnableLambda(call, acall).with_config(run_name="inside")


def order(trees):
    return tuple(sorted(trees, key=repr))


def recorded(trail):
    """The forest: name, type, status and parts of each run; and the numbers that were worked on in each tree."""
    children, roots = {}, []
    for span in trail.spans:
        (roots.append(span) if span["parent_id"] is None else children.setdefault(span["parent_id"], []).append(span))

    def tree(span):
        return (span["name"], span["type"], span["status"], order(map(tree, children.get(span["id"], []))))

    def numbers(span):
        own = {span["input"]["n"]} if span["name"] == "work" else set()
        return own.union(*map(numbers, children.get(span["id"], [])))

    return [tree(root) for root in roots], [numbers(root) for root in roots]


def run(how, target, count):
    config = {"callbacks": [TrailmarkTracer()], "max_concurrency": 4}

    async def collect(n):
        return [piece async for piece in target.astream({"n": n}, config)]

    async def gathered(act):
        return await asyncio.gather(*(act(n) for n in range(count)))

    inputs = [{"n": n} for n in range(count)]
    if how == "threads":
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda given: target.invoke(given, config), inputs))
    elif how == "batch":
        target.batch(inputs, config)
    elif how == "stream":
        for given in inputs:
            list(target.stream(given, config))
    elif how == "gather":
        asyncio.run(gathered(lambda n: target.ainvoke({"n": n}, config)))
    elif how == "abatch":
        asyncio.run(target.abatch(inputs, config))
    else:
        asyncio.run(gathered(collect))


def recorded_and_executed(program, how, count):
    """Two forests, and the numbers that were worked on in each of their trees."""
    target, tree = build(program)
    with record_trail() as trail:
        run(how, target, count)
    forest, numbers = recorded(trail)
    worked = sorted((found for found in numbers if found), key=repr)
    return (forest, worked), ([tree] * count, sorted(({n} for n in range(count)), key=repr) if worked else [])


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(PROGRAMS, st.sampled_from(WAYS), st.integers(1, 4))
def test_the_recorded_forest_is_the_executed_one(program, how, count):
    found, wanted = recorded_and_executed(program, how, count)
    assert found == wanted


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(PROGRAMS, st.sampled_from(WAYS), st.integers(1, 8))
def test_the_recorded_forest_is_the_executed_one_in_many_programs(program, how, count):
    found, wanted = recorded_and_executed(program, how, count)
    assert found == wanted
