"""Spans nest where the work belongs, whatever runs it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
from typing import Any

import anyio
import anyio.to_thread
import pytest
import trailmark
from trailmark.concurrent import ThreadPoolExecutor
from trailmark.testing import Trail


@trailmark.track
def leaf(n: int) -> int:
    return n


@trailmark.track
async def branch(n: int) -> int:
    await asyncio.sleep(0)
    leaf(n)
    await asyncio.sleep(0)
    return leaf(n)


TWO_BRANCHES = "root (general) ok" + 2 * ("\n  branch (general) ok" + 2 * "\n    leaf (general) ok")


def shape(trail: Trail) -> str:
    """The tree with siblings in no order."""
    return "\n".join(sorted(trail.tree().splitlines()))


async def gathered() -> None:
    await asyncio.gather(branch(1), branch(2))


async def in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(branch(1))
        group.create_task(branch(2))


async def as_tasks() -> None:
    tasks = [asyncio.create_task(branch(n)) for n in (1, 2)]
    await asyncio.wait(tasks)


async def in_anyio() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(branch, 1)
        group.start_soon(branch, 2)


@pytest.mark.parametrize("run", [gathered, in_a_group, as_tasks, in_anyio])
def test_tasks_nest_under_the_span_that_made_them(trail: Trail, run: Any) -> None:
    async def main() -> None:
        async with trailmark.span("root"):
            await run()
            assert trailmark.context.get_current_span().name == "root"  # type: ignore[union-attr]
        assert trailmark.context.get_current_span() is None

    asyncio.run(main())
    assert shape(trail) == "\n".join(sorted(TWO_BRANCHES.splitlines()))


def test_a_pool_of_ours_nests_and_the_standard_one_opens_traces(trail: Trail) -> None:
    with trailmark.span("root"):
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(leaf, [1, 2])) == [1, 2]
            assert pool.submit(leaf, 3).result() == 3
        with concurrent.futures.ThreadPoolExecutor(1) as bare:
            bare.submit(leaf, 4).result()
    assert trail.tree() == "root (general) ok" + 3 * "\n  leaf (general) ok" + "\nleaf (general) ok"


def test_executors_of_a_loop_nest(trail: Trail) -> None:
    async def main() -> None:
        async with trailmark.span("root"):
            await asyncio.to_thread(leaf, 1)
            await anyio.to_thread.run_sync(leaf, 2)
            with ThreadPoolExecutor(1) as pool:
                await asyncio.get_running_loop().run_in_executor(pool, leaf, 3)

    asyncio.run(main())
    assert trail.tree() == "root (general) ok" + 3 * "\n  leaf (general) ok"


def test_a_callback_in_the_background_belongs_to_who_scheduled_it(trail: Trail) -> None:
    async def main() -> None:
        done = asyncio.Event()

        def later() -> None:
            leaf(1)
            done.set()

        async with trailmark.span("root"):
            asyncio.get_running_loop().call_later(0, later)
        await done.wait()

    asyncio.run(main())
    assert trail.tree() == "root (general) ok\n  leaf (general) ok"


def test_a_loop_inside_a_loops_thread_nests(trail: Trail) -> None:
    async def main() -> None:
        async with trailmark.span("root"):
            await asyncio.to_thread(asyncio.run, branch(1))

    asyncio.run(main())
    assert trail.tree() == "root (general) ok\n  branch (general) ok" + 2 * "\n    leaf (general) ok"


def test_a_span_ended_in_another_context_raises_nothing(trail: Trail) -> None:
    @trailmark.track
    async def numbers() -> Any:
        for n in range(3):
            leaf(n)
            yield n

    async def main() -> None:
        stream = numbers()
        await anext(stream)
        await asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        await asyncio.create_task(stream.aclose())

    asyncio.run(main())
    assert trail.tree() == "numbers (general) cancelled" + 2 * "\n  leaf (general) ok"


def test_a_generator_stepped_by_two_threads_keeps_its_children(trail: Trail) -> None:
    @trailmark.track
    def numbers() -> Any:
        for n in range(4):
            yield leaf(n)

    stream = numbers()
    for _ in range(4):
        thread = threading.Thread(target=next, args=(stream,))
        thread.start()
        thread.join()
    assert list(stream) == []
    assert trail.tree() == "numbers (general) ok" + 4 * "\n  leaf (general) ok"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_eager_tasks_leave_the_context_of_their_maker(trail: Trail) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]
        async with trailmark.span("root"):
            await asyncio.gather(branch(1), branch(2))
            assert trailmark.context.get_current_span().name == "root"  # type: ignore[union-attr]

    asyncio.run(main())
    assert shape(trail) == "\n".join(sorted(TWO_BRANCHES.splitlines()))
