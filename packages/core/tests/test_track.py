"""What @track records, and that the function stays what it was."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import trailmark
from trailmark.testing import Trail


def test_nested_calls_make_one_trace(trail: Trail) -> None:
    @trailmark.track
    def retrieve(text: str) -> list[str]:
        return [text]

    @trailmark.track(name="app", type="chain")
    def app(text: str) -> list[str]:
        return retrieve(text)

    assert app("hi") == ["hi"]
    assert trail.tree() == "app (chain) ok\n  retrieve (general) ok"
    assert len(trail.traces) == 1
    assert trail.span("retrieve")["input"] == {"text": "hi"}
    assert trail.span("retrieve")["output"] == ["hi"]
    assert trail.span("retrieve")["trace_id"] == trail.span("app")["trace_id"]


def test_an_exception_is_recorded_and_raised_untouched(trail: Trail) -> None:
    error = ValueError("no such city")

    @trailmark.track
    def fail() -> None:
        raise error

    with pytest.raises(ValueError) as raised:
        fail()
    assert raised.value is error
    recorded = trail.span("fail")
    assert recorded["status"] == "error"
    assert recorded["error"]["type"] == "ValueError"
    assert recorded["error"]["message"] == "no such city"
    assert "raise error" in recorded["error"]["traceback"]
    assert "trailmark/_track.py" not in recorded["error"]["traceback"]


def test_cancellation_is_not_an_error(trail: Trail) -> None:
    @trailmark.track
    async def wait() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert trail.span("wait")["status"] == "cancelled"


def test_gathered_coroutines_are_siblings(trail: Trail) -> None:
    @trailmark.track
    async def leaf(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @trailmark.track
    async def root() -> list[int]:
        return await asyncio.gather(leaf(1), leaf(2))

    assert asyncio.run(root()) == [1, 2]
    assert trail.tree() == "root (general) ok\n  leaf (general) ok\n  leaf (general) ok"


def test_a_generator_records_its_items_and_keeps_its_protocol(trail: Trail) -> None:
    @trailmark.track
    def echo() -> Iterator[Any]:
        got = yield "a"
        try:
            yield got
        except KeyError:
            yield "caught"
        return "result"

    running = echo()
    assert next(running) == "a"
    assert running.send("sent") == "sent"
    assert running.throw(KeyError()) == "caught"
    with pytest.raises(StopIteration) as stop:
        next(running)
    assert stop.value.value == "result"
    assert trail.span("echo")["output"] == "asentcaught"


def test_spans_between_the_steps_of_a_generator_do_not_nest_in_it(trail: Trail) -> None:
    @trailmark.track
    def inner() -> None: ...

    @trailmark.track
    def stream() -> Iterator[int]:
        inner()
        yield 1

    @trailmark.track
    def consume() -> None:
        for _ in stream():
            outside()

    @trailmark.track
    def outside() -> None: ...

    consume()
    assert trail.tree() == (
        "consume (general) ok\n  stream (general) ok\n    inner (general) ok\n  outside (general) ok"
    )


def test_a_generator_closed_early_is_cancelled_with_what_it_gave(trail: Trail) -> None:
    @trailmark.track
    def numbers() -> Iterator[int]:
        yield from range(9)

    running = numbers()
    next(running)
    next(running)
    running.close()
    assert trail.span("numbers")["status"] == "cancelled"
    assert trail.span("numbers")["output"] == [0, 1]
    assert trailmark.context.get_current_span() is None


def test_an_async_generator_records_its_items(trail: Trail) -> None:
    @trailmark.track(aggregate=sum)
    async def numbers() -> AsyncIterator[int]:
        for n in range(4):
            await asyncio.sleep(0)
            yield n

    async def main() -> list[int]:
        return [n async for n in numbers()]

    assert asyncio.run(main()) == [0, 1, 2, 3]
    assert trail.span("numbers")["output"] == 6


def test_the_function_keeps_its_kind_name_signature_and_docs() -> None:
    def plain(a: int, *, b: str = "x") -> None:
        """Doc."""

    async def coroutine() -> None: ...

    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    tracked = trailmark.track(plain)
    assert (tracked.__name__, tracked.__doc__) == ("plain", "Doc.")
    assert inspect.signature(tracked) == inspect.signature(plain)
    assert inspect.iscoroutinefunction(trailmark.track(coroutine))
    assert inspect.isgeneratorfunction(trailmark.track(generator))
    assert inspect.isasyncgenfunction(trailmark.track(async_generator))


def test_methods_leave_self_out(trail: Trail) -> None:
    class Bot:
        @trailmark.track
        def ask(self, question: str) -> str:
            return question

        @classmethod
        @trailmark.track
        def make(cls, size: int) -> int:
            return size

        @trailmark.track
        @staticmethod
        def parse(text: str) -> str:
            return text

    Bot().ask("why")
    Bot.make(3)
    Bot.parse("x")
    assert [span["input"] for span in trail.spans] == [{"question": "why"}, {"size": 3}, {"text": "x"}]


def test_nothing_is_captured_when_asked(trail: Trail) -> None:
    @trailmark.track(capture_input=False, capture_output=False)
    def private(text: str) -> str:
        return text

    @trailmark.track(ignore_arguments=["key"])
    def call(key: str, text: str) -> str:
        return text

    private("s3cret")
    call("s3cret", "hi")
    assert "s3cret" not in str(trail.records)
    assert "input" not in trail.span("private")
    assert trail.span("call")["input"] == {"text": "hi"}


def test_a_wrong_call_raises_what_the_function_raises(trail: Trail) -> None:
    @trailmark.track
    def one(a: int) -> int:
        return a

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        one()  # type: ignore[call-arg]
    assert trail.span("one")["status"] == "error"


def test_later_mutation_changes_nothing(trail: Trail) -> None:
    messages = ["one"]

    @trailmark.track
    def chat(messages: list[str]) -> list[str]:
        messages.append("two")
        return messages

    chat(messages).append("three")
    assert trail.span("chat")["input"] == {"messages": ["one"]}
    assert trail.span("chat")["output"] == ["one", "two"]


def test_switched_off_it_is_a_plain_call(trail: Trail) -> None:
    @trailmark.track
    def plain(x: int) -> int:
        return x

    trailmark.set_tracing_active(False)
    assert plain(1) == 1
    assert not trail.records


def test_an_unknown_type_is_refused_when_decorating() -> None:
    with pytest.raises(ValueError, match="'chat'; allowed: general, llm"):
        trailmark.track(type="chat")


def test_blocks_nest_like_functions(trail: Trail) -> None:
    with trailmark.trace("request", thread_id="t1") as trace, trailmark.span("step", type="tool", input=1) as step:
        step.update(output=2)
        trace.score("good", 1)

    async def main() -> None:
        async with trailmark.trace("again"), trailmark.span("inside"):
            pass

    asyncio.run(main())
    assert trail.tree() == ("request (general) ok\n  step (tool) ok\nagain (general) ok\n  inside (general) ok")
    assert trail.traces[0]["thread_id"] == "t1"
    assert trail.span("step")["output"] == 2
