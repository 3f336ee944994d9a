"""Agents and workflows: steps under their run, tools and your functions under their step."""

import asyncio

import pytest
import trailmark
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from trailmark.testing import record_trail
from workflows.errors import WorkflowCancelledByUser, WorkflowTimeoutError

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # LlamaIndex uses its own and pydantic's old names

CALL = ("add", {"a": 1, "b": 2})
THOUGHTS = (
    'Thought: Add.\nAction: add\nAction Input: {"a": 1, "b": 2}',
    "Thought: I can answer without using any more tools.\nAnswer: It is 3.",
)
STEPS = """\
{agent}.run (agent) ok
  {steps}.init_run (chain) ok
  {steps}.setup_agent (chain) ok
  {steps}.run_agent_step (chain) ok
    Model.{call} (llm) ok
  {steps}.parse_agent_output (chain) ok
  {steps}.call_tool (chain) ok
    add (tool) ok
      work (general) ok
  {steps}.aggregate_tool_results (chain) ok
  {steps}.setup_agent (chain) ok
  {steps}.run_agent_step (chain) ok
    Model.{call} (llm) ok
  {steps}.parse_agent_output (chain) ok"""


@trailmark.track
def work(x):
    return x


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return work(a + b)


async def slow_add(a: int, b: int) -> int:
    """Add two numbers."""
    return work(a + b)


def tool_of(kind):
    if kind == "sync":
        return FunctionTool.from_defaults(add)
    return FunctionTool.from_defaults(async_fn=slow_add, name="add")


def run(target, *args, **kwargs):
    async def inside():
        return await target().run(*args, **kwargs)

    return asyncio.run(inside())


class Ask(Event):
    n: int


class Told(Event):
    n: int


class Fan(Workflow):
    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> Ask | None:
        for n in range(2):
            ctx.send_event(Ask(n=n))

    @step(num_workers=2)
    async def each(self, ev: Ask) -> Told:
        work(ev.n)
        return Told(n=ev.n)

    @step
    async def gather(self, ctx: Context, ev: Told) -> StopEvent | None:
        told = ctx.collect_events(ev, [Told] * 2)
        return None if told is None else StopEvent(result=sum(one.n for one in told))


class Outer(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result=await Fan(timeout=20).run(topic="inner"))


class Wrong(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        raise ValueError("no")


class Slow(Workflow):
    began: asyncio.Event

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        self.began.set()
        await asyncio.sleep(60)
        return StopEvent()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_is_its_steps_with_calls_tools_and_what_they_track(traced, model, kind, streaming):
    llm = model(CALL, "It is 3.")
    answer = run(lambda: FunctionAgent(tools=[tool_of(kind)], llm=llm, streaming=streaming), "1 + 2?")
    assert str(answer) == "It is 3."
    call = "astream_chat" if streaming else "achat"
    assert traced.tree() == STEPS.format(agent="FunctionAgent", steps="BaseWorkflowAgent", call=call)
    root, tool = traced.spans[0], traced.span("add")
    assert root["input"] == {"event": "AgentWorkflowStartEvent", "user_msg": "1 + 2?"}
    assert root["output"]["response"] == {"role": "assistant", "content": "It is 3."}
    assert root["output"]["tool_calls"] == [{"name": "add", "arguments": {"a": 1, "b": 2}}]
    assert (tool["input"], tool["output"]) == ({"a": 1, "b": 2}, {"content": "3", "is_error": False})


def test_an_agent_workflow_and_a_reasoning_agent_look_alike(traced, model):
    def team():
        one = FunctionAgent(name="one", description="Adds.", tools=[tool_of("sync")], llm=model(CALL, "It is 3."))
        return AgentWorkflow(agents=[one], root_agent="one")

    run(team, "1 + 2?")
    assert traced.tree() == STEPS.format(agent="AgentWorkflow", steps="AgentWorkflow", call="astream_chat")
    traced.raw.clear()
    answer = run(lambda: ReActAgent(tools=[tool_of("sync")], llm=model(*THOUGHTS)), "1 + 2?")
    assert str(answer) == "It is 3."
    assert [span["name"] for span in traced.spans if span["type"] in ("llm", "tool")] == [
        "Model.astream_chat",
        "add",
        "Model.astream_chat",
    ]


def test_a_tool_that_raises_is_an_error_and_the_agent_goes_on(traced, model):
    def wrong(a: int, b: int) -> int:
        raise ValueError(f"no {a} and {b}")

    tool = FunctionTool.from_defaults(wrong, name="add", description="Add.")
    run(lambda: FunctionAgent(tools=[tool], llm=model(CALL, "Sorry.")), "1 + 2?")
    assert traced.span("add")["status"] == "error"
    assert traced.span("add")["error"]["message"] == "no 1 and 2"
    assert traced.spans[0]["status"] == "ok"


def test_steps_that_run_side_by_side_are_siblings(traced):
    assert run(lambda: Fan(timeout=20), topic="tea") == 1
    root = traced.spans[0]
    assert (root["name"], root["input"], root["output"]) == ("Fan.run", {"event": "StartEvent", "topic": "tea"}, 1)
    each = [span for span in traced.spans if span["name"] == "Fan.each"]
    assert [span["parent_id"] for span in each] == [root["id"]] * 2
    works = [span["parent_id"] for span in traced.spans if span["name"] == "work"]
    assert sorted(works) == sorted(span["id"] for span in each)


def test_a_workflow_within_a_step_is_nested(traced):
    run(lambda: Outer(timeout=20))
    step_id = traced.span("Outer.only")["id"]
    assert traced.span("Fan.run")["parent_id"] == step_id
    assert len({span["trace_id"] for span in traced.spans}) == 1


def test_a_step_that_raises_is_an_error_of_the_run(traced):
    with pytest.raises(ValueError, match="no"):
        run(lambda: Wrong(timeout=20))
    assert traced.tree() == "Wrong.run (chain) error\n  Wrong.only (chain) error"


def slow(timeout):
    made = Slow(timeout=timeout)
    made.began = asyncio.Event()
    return made


def test_a_run_out_of_time_is_an_error_and_its_step_cancelled(traced):
    with pytest.raises(WorkflowTimeoutError):
        run(lambda: slow(0.2))
    assert traced.tree() == "Slow.run (chain) error\n  Slow.only (chain) cancelled"


def test_a_cancelled_run_is_cancelled(traced):
    async def inside():
        target = slow(20)
        handler = target.run()
        await target.began.wait()
        await handler.cancel_run()
        with pytest.raises(WorkflowCancelledByUser):
            await handler

    asyncio.run(inside())
    assert traced.tree() == "Slow.run (chain) cancelled\n  Slow.only (chain) cancelled"


def test_nothing_an_agent_says_or_does_is_recorded_when_the_settings_leave_it_out(traced, model):
    def look(what: str) -> str:
        """Look."""
        return work(what)

    class Finds(Workflow):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            agent = FunctionAgent(
                tools=[FunctionTool.from_defaults(look)], llm=model(("look", {"what": "marker"}), "marker")
            )
            return StopEvent(result=str(await agent.run("marker")))

    with record_trail(capture_input=False, capture_output=False) as bare:
        assert run(Finds, topic="marker") == "marker"
    assert len(bare.spans) > 12
    assert {"input", "output"}.isdisjoint(key for span in bare.spans for key in span)
    assert not [record for record in bare.raw if b"marker" in record]
