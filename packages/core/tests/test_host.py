"""The program around: what is decorated stays what it was, and nothing of it is kept alive, changed or made to wait."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import functools
import gc
import inspect
import pickle
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trailmark
from trailmark.instrumentation import register_current_span_provider, start_span
from trailmark.testing import Trail, record_trail


class Thing:
    """Weakly referable."""


@trailmark.track
def at_the_top(n: int) -> int:
    return n + 1


def plain(thing: Thing) -> Thing:
    return thing


async def coroutine(thing: Thing) -> Thing:
    return thing


def generator(thing: Thing) -> Iterator[Thing]:
    yield thing


async def async_generator(thing: Thing) -> Any:
    yield thing


def failing(thing: Thing) -> None:
    inner = thing
    raise ValueError(inner.__class__.__name__)


async def failing_coroutine(thing: Thing) -> None:
    inner = thing
    raise ValueError(inner.__class__.__name__)


def ran(made: Any) -> None:
    """Whatever a call gave, to its end."""
    if inspect.isgenerator(made):
        list(made)
    elif inspect.iscoroutine(made):
        with pytest.raises(StopIteration):
            made.send(None)
    elif inspect.isasyncgen(made):
        for _ in range(2):
            with pytest.raises((StopIteration, StopAsyncIteration)):
                made.__anext__().send(None)


@pytest.mark.parametrize(
    "function", [plain, coroutine, generator, async_generator, failing, failing_coroutine], ids=lambda f: f.__name__
)
def test_nothing_of_a_call_is_kept_and_no_cycle_is_made(trail: Trail, function: Callable[..., Any]) -> None:
    tracked, thing = trailmark.track(function), Thing()
    alive = weakref.ref(thing)
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(ValueError):  # its traceback holds the frames that hold the thing
            ran(tracked(thing))
        del thing
        assert alive() is None
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert trail.spans


def test_a_tracked_function_pickles_and_deepens_a_recursion_little(trail: Trail) -> None:
    assert pickle.loads(pickle.dumps(at_the_top)) is at_the_top

    @trailmark.track(capture_input=False)
    def down(n: int) -> int:
        return 0 if n == 0 else 1 + down(n - 1)

    assert down(300) == 300
    assert len(trail.spans) == 301


def test_odd_shapes_of_callables(trail: Trail) -> None:
    class Base(abc.ABC):
        @property
        @trailmark.track
        def size(self) -> int:
            return 3

        @abc.abstractmethod
        @trailmark.track
        def run(self) -> int: ...

    class Child(Base):
        def run(self) -> int:
            return 4

        @trailmark.track
        def __call__(self, x: int) -> int:
            return x

    child = Child()
    assert (child.size, child.run(), child(5)) == (3, 4, 5)
    with pytest.raises(TypeError, match="abstract"):
        Base()  # type: ignore[abstract]
    assert trailmark.track(len)("abc") == 3
    assert trailmark.track(functools.partial(int, base=2))("11") == 3  # type: ignore[operator]
    assert trailmark.track(child)(6) == 6
    assert [span["name"] for span in trail.spans] == ["size", "__call__", "len", "partial", "Child", "__call__"]


def test_decorated_twice_is_once_and_each_layer_of_a_retry_is_its_own(trail: Trail) -> None:
    @trailmark.track
    @trailmark.track(name="inner")
    def once() -> int:
        return 1

    def retried(function: Callable[[], int]) -> Callable[[], int]:
        @functools.wraps(function)
        def again() -> int:
            function()
            return function()

        return again

    @trailmark.track(name="outer")
    @retried
    @trailmark.track(name="attempt")
    def call() -> int:
        return once()

    assert call() == 1
    assert trail.tree() == "outer (general) ok" + 2 * "\n  attempt (general) ok\n    inner (general) ok"


def test_a_frameworks_current_span_is_not_left_behind(trail: Trail) -> None:
    theirs = start_span("run", parent=None)
    assert theirs is not None
    remove = register_current_span_provider(lambda: theirs)

    @trailmark.track
    def numbers() -> Iterator[int]:
        yield 1

    @trailmark.track
    def step() -> int:
        return next(numbers())

    try:
        with trailmark.span("block"):
            step()
        step()
        list(numbers())
    finally:
        remove()
    theirs.end()
    assert trailmark.context.get_current_span() is None
    below = "\n  step (general) ok\n    numbers (general) cancelled"
    assert trail.tree().startswith("run (general) ok\n  block (general) ok")
    assert trail.tree().count(below) == 1
    assert len({span["trace_id"] for span in trail.spans}) == 1


def test_arguments_may_have_any_name(trail: Trail) -> None:
    @trailmark.track
    def odd(name: int, type: int, id: int, args: int, kwargs: int, span: int, plan: int, call: int, **self: int) -> int:
        return name + type + id + args + kwargs + span + plan + call + sum(self.values())

    @trailmark.track
    async def odd_too(name: int, tracked: int, call: int, args: int, kwargs: int, *, steps: int, **cls: int) -> int:
        return name + tracked + call + args + kwargs + steps + sum(cls.values())

    assert odd(1, 1, 1, 1, kwargs=1, span=1, plan=1, call=1, input=1, parent=1) == 10
    assert asyncio.run(odd_too(1, 1, 1, 1, 1, steps=1, function=1)) == 7
    assert trail.span("odd")["input"]["parent"] == 1
    assert trail.span("odd_too")["input"] == dict.fromkeys(
        ["name", "tracked", "call", "args", "kwargs", "steps", "function"], 1
    )
    many = {f"a{n}": n for n in range(300)}
    scope: dict[str, Any] = {}
    exec(f"async def many({', '.join(many)}): return a299", scope)
    assert asyncio.run(trailmark.track(scope["many"])(*many.values())) == 299
    assert trail.span("many")["input"] == many


@pytest.mark.parametrize("kind", ["dict", "deque", "slots", "itself"])
def test_cycles_end(kind: str) -> None:
    made: Any
    if kind == "dict":
        made = {"a": 1}
        made["again"] = made
    elif kind == "deque":
        made = deque([1])
        made.append(made)
    else:
        import dataclasses

        @dataclasses.dataclass(slots=kind == "slots")
        class Node:
            next: Any = None

        made = Node()
        made.next = [made]
    with record_trail() as trail:
        trailmark.track(lambda value: None, name="call")(made)
        assert "<cycle>" in str(trail.span("call")["input"])


def test_a_group_that_fails_ends_its_siblings_as_cancelled(trail: Trail) -> None:
    @trailmark.track
    async def waits() -> None:
        await asyncio.Event().wait()

    @trailmark.track
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("k")

    @trailmark.track
    async def root() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(waits())
            group.create_task(fails())

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(root())
    assert isinstance(raised.value.exceptions[0], KeyError)
    assert trail.tree() == "root (general) error\n  waits (general) cancelled\n  fails (general) error"
    assert trailmark.context.get_current_span() is None


def test_the_very_exception_that_cancels_a_task_arrives(trail: Trail) -> None:
    seen: list[BaseException] = []

    @trailmark.track
    async def inner() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            seen.append(error)
            raise

    async def main() -> None:
        task = asyncio.create_task(inner())
        await asyncio.sleep(0)
        task.cancel("why")
        try:
            await task
        except asyncio.CancelledError as error:
            seen.append(error)

    asyncio.run(main())
    assert seen[0].args == seen[1].args == ("why",)
    assert trail.span("inner")["status"] == "cancelled"


def test_an_exception_whose_class_lies_is_an_error_and_arrives(trail: Trail) -> None:
    class Liar(Exception):
        @property
        def __class__(self) -> type:
            raise RuntimeError("asked")

    def steps() -> Iterator[int]:
        try:
            yield 1
        except Liar:
            yield 2

    @trailmark.track
    def fails() -> None:
        raise Liar

    try:
        fails()
    except Exception as error:
        assert type(error) is Liar
    generator: Any = trailmark.track(steps)()
    next(generator)

    assert generator.throw(Liar()) == 2
    assert trail.span("fails")["status"] == "error"


@pytest.mark.parametrize(("library", "name"), [("trio", "Cancelled"), ("greenlet", "GreenletExit")])
def test_what_other_schedulers_cancel_with_is_no_error(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, library: str, name: str
) -> None:
    kind = type(name, (BaseException,), {})
    monkeypatch.setitem(sys.modules, library, types.SimpleNamespace(**{name: kind}))

    @trailmark.track
    def left() -> None:
        raise kind

    with pytest.raises(kind):
        left()
    assert trail.span("left")["status"] == "cancelled"


def test_a_cache_keeps_its_methods_and_a_generator_that_is_awaited_can_be(trail: Trail) -> None:
    @trailmark.track
    @functools.lru_cache
    def cached(value: int) -> int:
        return value

    @trailmark.track
    @types.coroutine
    def awaited() -> Any:
        yield from asyncio.sleep(0).__await__()
        return "slept"

    async def program() -> Any:
        return await awaited()

    cached(1), cached(1)
    assert cached.cache_info().hits == 1  # type: ignore[attr-defined]
    cached.cache_clear()  # type: ignore[attr-defined]
    assert asyncio.run(program()) == "slept"
    assert trail.tree().count("ok") == 3
