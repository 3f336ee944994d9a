"""Nothing is kept of runs that are over, however they end, and no fault of ours reaches a chain."""

import asyncio
import gc
import subprocess
import sys
import threading

import pytest
import trailmark
from chains import HOW, PROMPT, chain, model, run, work
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from trailmark_langchain import TrailmarkTracer


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


def test_a_run_leaves_no_thread_and_waits_for_no_garbage_collection(trail):
    from trailmark_langchain._runs import Run

    threads = set(threading.enumerate())
    gc.collect()
    gc.disable()
    try:
        (RunnableLambda(str) | RunnableLambda(len)).invoke(1, {"callbacks": [TrailmarkTracer()]})
        left = [one for one in gc.get_objects() if type(one) is Run]
    finally:
        gc.enable()
    assert left == []
    assert set(threading.enumerate()) <= threads


MEMORY = """
import asyncio, sys
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from trailmark_langchain import TrailmarkTracer, _runs
config = {"callbacks": [TrailmarkTracer()]}
prompt = ChatPromptTemplate.from_messages([("human", "{question}")])
chain = prompt | FakeListChatModel(responses=["It is tea."]) | StrOutputParser()
fails = RunnableLambda(lambda x: 1 // x)
async def awaited():
    await asyncio.gather(*(chain.ainvoke({"question": "What is it?"}, config) for _ in range(10)))
def grown(rounds):
    for _ in range(rounds):
        for _ in range(20):
            chain.invoke({"question": "What is it?"}, config)
        for _ in range(10):
            fails.batch([0], config, return_exceptions=True)
        for _ in range(5):  # left after a piece
            next(chain.stream({"question": "What is it?"}, config))
        asyncio.run(awaited())
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096
before = grown(30)
after = grown(270)
print(after - before, len(_runs._begun), len(_runs._open), len(_runs._stray))
"""


@pytest.mark.slow
def test_memory_stays_flat_over_50000_runs(tmp_path):
    """A round is 160 runs: 300 rounds are 48,000, and the parts of streams left early are more."""
    env = {
        "TRAILMARK_HOME": str(tmp_path),
        "TRAILMARK_QUIET": "true",
        "TRAILMARK_URL": "http://127.0.0.1:9",
        "PATH": "",
    }
    done = subprocess.run([sys.executable, "-c", MEMORY], env=env, capture_output=True, text=True, check=True)
    grown, *kept = map(int, done.stdout.split())
    assert kept == [0, 0, 0]
    assert grown < 12_000_000, f"{grown} bytes more after 45,000 further runs"
