"""A tracked generator does what the bare one does, whatever is done to it, and its span ends whenever it does."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trailmark
from hypothesis import given
from hypothesis import strategies as st
from trailmark.testing import Trail, record_trail


class Odd(BaseException):
    """No Exception."""


ERRORS = {"key": KeyError, "odd": Odd, "stop": StopIteration, "exit": GeneratorExit, "async stop": StopAsyncIteration}
BODY = st.lists(
    st.tuples(st.sampled_from(["yield", "raise", "return", "yield when thrown", "yield in finally"]), st.sampled_from(list(ERRORS))),
    max_size=5,
)  # fmt: skip
DRIVER = st.lists(
    st.tuples(st.sampled_from(["next", "send", "throw", "close"]), st.sampled_from(list(ERRORS))), max_size=8
)


def steps(body: list[tuple[str, str]], log: list[Any]) -> Callable[[], Iterator[Any]]:
    def generator() -> Iterator[Any]:
        for n, (kind, error) in enumerate(body):
            try:
                if kind == "raise":
                    raise ERRORS[error](n)
                if kind == "return":
                    return n
                log.append((yield n))
            except KeyError:
                if kind == "yield when thrown":
                    yield "caught"
            finally:
                log.append("finally")
                if kind == "yield in finally":
                    yield "last"
        return "end"

    return generator


def async_steps(body: list[tuple[str, str]], log: list[Any]) -> Callable[[], Any]:
    async def generator() -> Any:
        for n, (kind, error) in enumerate(body):
            try:
                if kind == "raise":
                    raise ERRORS[error](n)
                if kind == "return":
                    return
                log.append((yield n))
            except KeyError:
                if kind == "yield when thrown":
                    yield "caught"
            finally:
                log.append("finally")
                if kind == "yield in finally":
                    yield "last"

    return generator


def outcome(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except BaseException as error:
        return type(error).__name__, str(error), type(error.__cause__).__name__


def driven(running: Any, driver: list[tuple[str, str]]) -> list[Any]:
    acts: dict[str, Callable[[str], Any]] = {
        "next": lambda _: next(running),
        "send": lambda error: running.send(error),
        "throw": lambda error: running.throw(ERRORS[error]("thrown")),
        "close": lambda _: running.close(),
    }
    return [outcome(lambda kind=kind, error=error: acts[kind](error)) for kind, error in driver]  # type: ignore[misc]


def driven_async(running: Any, driver: list[tuple[str, str]]) -> list[Any]:
    def at_once(coroutine: Any) -> Any:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("it awaited something")

    acts: dict[str, Callable[[str], Any]] = {
        "next": lambda _: at_once(running.__anext__()),
        "send": lambda error: at_once(running.asend(error)),
        "throw": lambda error: at_once(running.athrow(ERRORS[error]("thrown"))),
        "close": lambda _: at_once(running.aclose()),
    }
    return [outcome(lambda kind=kind, error=error: acts[kind](error)) for kind, error in driver]  # type: ignore[misc]


def until_it_refuses_to_end(told: list[Any]) -> list[Any]:
    """What a generator that ignored its close does afterwards is not the same in all versions of Python."""
    ends = [n for n, one in enumerate(told) if "ignored GeneratorExit" in str(one)]
    return told[: ends[0] + 1] if ends else told


@given(BODY, DRIVER)
def test_a_tracked_generator_answers_as_the_bare_one(
    body: list[tuple[str, str]], driver: list[tuple[str, str]]
) -> None:
    logs: tuple[list[Any], list[Any]] = ([], [])
    bare = driven(steps(body, logs[0])(), [*driver, ("close", "key")])
    with record_trail() as trail:
        traced = driven(trailmark.track(steps(body, logs[1]))(), [*driver, ("close", "key")])
        gc.collect(1)  # what is young: the whole heap of a test run takes long
    assert until_it_refuses_to_end(traced) == until_it_refuses_to_end(bare)
    assert logs[1] == logs[0]
    assert all(span["status"] != "running" for span in trail.spans) or "RuntimeError" in str(bare)


@given(BODY, DRIVER)
def test_a_tracked_async_generator_answers_as_the_bare_one(
    body: list[tuple[str, str]], driver: list[tuple[str, str]]
) -> None:
    logs: tuple[list[Any], list[Any]] = ([], [])
    bare = driven_async(async_steps(body, logs[0])(), [*driver, ("close", "key")])
    with record_trail() as trail:
        traced = driven_async(trailmark.track(async_steps(body, logs[1]))(), [*driver, ("close", "key")])
        gc.collect(1)  # what is young: the whole heap of a test run takes long
    assert until_it_refuses_to_end(traced) == until_it_refuses_to_end(bare)
    assert logs[1] == logs[0]
    assert all(span["status"] != "running" for span in trail.spans) or "RuntimeError" in str(bare)


def spec(a: int, /, b: int, *rest: int, c: int = 3, d: int, **more: int) -> None: ...


@pytest.mark.parametrize("kind", ["generator", "coroutine", "async generator"])
@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), ((1,), {}), ((1, 2), {}), ((1, 2), {"d": 4, "b": 5}), ((1, 2, 9, 9), {"d": 4, "e": 7}), ((), {"a": 1, "d": 2})],
)  # fmt: skip
def test_a_call_is_refused_where_the_bare_one_refuses_it(
    trail: Trail, kind: str, args: tuple[int, ...], kwargs: dict[str, int]
) -> None:
    async def coroutine(a: int, /, b: int, *rest: int, c: int = 3, d: int, **more: int) -> Any:
        return a, b, rest, c, d, more

    def generator(a: int, /, b: int, *rest: int, c: int = 3, d: int, **more: int) -> Any:
        yield a, b, rest, c, d, more

    async def async_generator(a: int, /, b: int, *rest: int, c: int = 3, d: int, **more: int) -> Any:
        yield a, b, rest, c, d, more

    function = {"coroutine": coroutine, "generator": generator, "async generator": async_generator}[kind]
    tracked = trailmark.track(function)
    assert inspect.signature(tracked) == inspect.signature(spec, eval_str=False).replace(return_annotation="Any")

    def result(made: Any) -> Any:
        if inspect.isgenerator(made):
            return next(made)
        return outcome(lambda: (made if inspect.iscoroutine(made) else made.__anext__()).send(None))

    bare, traced = outcome(lambda: result(function(*args, **kwargs))), outcome(lambda: result(tracked(*args, **kwargs)))
    assert traced == bare
    assert bool(trail.spans) == (bare[0] != "TypeError")
    if trail.spans and len(args) > 2:
        given = {"a": 1, "b": 2, "rest": [9, 9], "c": 3, "d": 4, "e": 7}
        assert trail.spans[0]["input"] == given


def test_a_generator_that_is_never_started_or_dropped_midway(trail: Trail) -> None:
    @trailmark.track
    def numbers() -> Iterator[int]:
        yield from range(5)

    numbers()
    assert trail.spans == []
    running = numbers()
    next(running)
    thread = threading.Thread(target=running.close)
    del running
    thread.start()
    thread.join()
    assert trail.span("numbers")["status"] == "cancelled"
    running = numbers()
    next(running)
    del running
    gc.collect()
    assert [span["status"] for span in trail.spans] == ["cancelled", "cancelled"]
    assert trailmark.context.get_current_span() is None


def test_what_a_generator_gave_is_recorded_as_it_was_and_bounded(trail: Trail) -> None:
    @trailmark.track
    def growing() -> Iterator[Any]:
        basket: list[int] = []
        for n in range(3):
            basket.append(n)
            yield basket

    @trailmark.track
    def endless() -> Iterator[int]:
        while True:
            yield 7

    @trailmark.track
    def talkative() -> Iterator[str]:
        for _ in range(30):
            yield "x" * 100_000

    list(growing())
    stream = endless()
    for _ in range(12_000):
        next(stream)
    stream.close()
    list(talkative())
    assert trail.span("growing")["output"] == [[0], [0, 1], [0, 1, 2]]
    assert trail.span("endless")["output"][-2:] == [7, "… 2000 more"]
    told = trail.span("talkative")["output"]
    assert len(told) < 1_100_000
    assert told.endswith("… [cut: 3000000 characters in all]")


def test_its_items_are_not_kept_alive(trail: Trail) -> None:
    class Thing:
        alive = 0

        def __init__(self) -> None:
            Thing.alive += 1

        def __del__(self) -> None:
            Thing.alive -= 1

    @trailmark.track
    def things() -> Iterator[Thing]:
        for _ in range(50):
            yield Thing()

    most = 0
    for _ in things():
        most = max(most, Thing.alive)
    assert most <= 2


LEFT_OPEN = """
import asyncio, sys
log = []
async def f(name):
    try:
        for n in range(5):
            yield n
    finally:
        await asyncio.sleep(0)
        print("closed", name, flush=True)
async def main():
    asyncio.get_running_loop().set_exception_handler(lambda loop, told: print("loop:", told["message"], flush=True))
    a, b, c = f("a"), f("b"), f("c")
    async for item in a:
        break
    await anext(b)
    await asyncio.create_task(anext(b))
    await anext(c)
    await asyncio.create_task(c.aclose())
    keep.append(b)
keep = []
if sys.argv[1] == "traced":
    import trailmark
    f = trailmark.track(f)
asyncio.run(main())
if sys.argv[1] == "traced":
    assert trailmark.context.get_current_span() is None
"""


def test_async_generators_left_open_are_closed_as_the_bare_ones_are(tmp_path: Any) -> None:
    env = {**os.environ, "TRAILMARK_HOME": str(tmp_path), "TRAILMARK_QUIET": "true", "PYTHONASYNCIODEBUG": "1"}
    told = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", LEFT_OPEN, mode], env=env, capture_output=True, text=True, check=False
        )
        for mode in ("bare", "traced")
    ]
    assert sorted(told[1].stdout.splitlines()) == sorted(told[0].stdout.splitlines())
    assert told[1].stderr == told[0].stderr == ""


def test_a_task_cancelled_in_an_async_generator(trail: Trail) -> None:
    @trailmark.track
    async def numbers() -> Any:
        yield 1
        await asyncio.Event().wait()

    async def consume() -> None:
        async for _ in numbers():
            pass

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(consume(), 0.01)

    asyncio.run(main())
    assert trail.span("numbers")["status"] == "cancelled"
    assert trail.span("numbers")["output"] == [1]
