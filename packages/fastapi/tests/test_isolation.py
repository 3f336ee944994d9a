"""Whatever order requests run in, each keeps to its own trace, and leaves nothing behind."""

import asyncio
import contextlib

import trailmark
from hypothesis import given, settings
from hypothesis import strategies as st
from trailmark.testing import record_trail
from trailmark_fastapi import TrailmarkMiddleware

STEPS = ("call", "enter", "leave", "thread", "task", "chunk", "update")
ENDS = ("return", "raise", "cancel")


@trailmark.track
def call(n):
    trailmark.update_current_trace(tags=[f"of {n}"])


class Requests:
    """Requests whose every step waits for its turn."""

    def __init__(self, scripts):
        self.scripts = scripts
        self.turns = [asyncio.Semaphore(0) for _ in scripts]
        self.waiting = [False] * len(scripts)
        app = TrailmarkMiddleware(self)
        scopes = [{"type": "http", "method": "GET", "path": f"/{n}", "headers": []} for n in range(len(scripts))]
        self.tasks = [asyncio.create_task(app(scope, self.receive, self.send)) for scope in scopes]

    async def __call__(self, scope, receive, send):
        n = int(scope["path"][1:])
        steps, end = self.scripts[n]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        later = []
        with contextlib.ExitStack() as opened:
            for step in steps:
                await self.turn(n)
                if step == "call":
                    call(n)
                elif step == "enter":
                    opened.enter_context(trailmark.span("block", input={"n": n}))
                elif step == "leave":
                    opened.close()
                elif step == "thread":
                    await asyncio.to_thread(call, n)
                elif step == "task":
                    later.append(asyncio.create_task(self.later(n)))
                elif step == "chunk":
                    await send({"type": "http.response.body", "body": b"x", "more_body": True})
                else:
                    trailmark.update_current_trace(thread_id=f"thread {n}")
            await asyncio.gather(*later)
            await self.turn(n)
            if end == "raise":
                raise ValueError(n)
            if end == "cancel":
                self.tasks[n].cancel()
                await asyncio.sleep(0)
        await send({"type": "http.response.body"})

    async def later(self, n):
        await asyncio.sleep(0)
        call(n)

    async def turn(self, n):
        self.waiting[n] = True
        await self.turns[n].acquire()
        self.waiting[n] = False

    async def receive(self):
        return {"type": "http.request"}

    async def send(self, message):
        await asyncio.sleep(0)

    async def let(self, n):
        """One step of that request, to its end."""
        await self.settled(n)
        self.turns[n].release()
        self.waiting[n] = False
        await self.settled(n)
        assert trailmark.context.get_current_span() is None

    async def settled(self, n):
        while not (self.waiting[n] or self.tasks[n].done()):  # noqa: ASYNC110 - a thread may be at it too
            await asyncio.sleep(0)


async def run(scripts, order):
    requests = Requests(scripts)
    for n in order:
        await requests.let(n % len(scripts))
    for n, (steps, _) in enumerate(scripts):
        for _ in range(len(steps) + 1):
            await requests.let(n)
    return await asyncio.gather(*requests.tasks, return_exceptions=True)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.sampled_from(STEPS), max_size=5), st.sampled_from(ENDS)), min_size=2, max_size=5),
    st.lists(st.integers(0, 99), max_size=30),
)
def test_requests_in_any_order_are_trees_of_their_own(scripts, order):
    with record_trail() as trail:
        ended = asyncio.run(run(scripts, order))
    spans = trail.spans
    roots = {span["trace_id"]: span for span in spans if span["parent_id"] is None}
    assert len(roots) == len(scripts)
    by_id = {span["id"]: span for span in spans}
    for trace_id, root in roots.items():
        n = int(root["input"]["path"][1:])
        steps, end = scripts[n]
        inside = [span for span in spans if span["trace_id"] == trace_id and span is not root]
        assert all(span["input"]["n"] == n for span in inside)
        assert len(inside) == sum(step in ("call", "thread", "task", "enter") for step in steps)
        assert all(by_id[span["parent_id"]]["trace_id"] == trace_id for span in inside)
        assert root["status"] == {"return": "ok", "raise": "error", "cancel": "cancelled"}[end]
        assert root["trace"].get("thread_id", f"thread {n}") == f"thread {n}"
        assert set(root["trace"].get("tags", [])) <= {f"of {n}"}
        assert isinstance(ended[n], {"return": type(None), "raise": ValueError, "cancel": asyncio.CancelledError}[end])
    assert all(span["status"] != "running" for span in spans)
