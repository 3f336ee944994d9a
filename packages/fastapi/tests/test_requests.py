"""A trace per request: its name, what is in it, and how it ends."""

import asyncio
import threading
import tracemalloc

import pytest
import trailmark
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from trailmark.testing import record_trail
from trailmark_fastapi import TrailmarkMiddleware, instrument


@trailmark.track
def work(x):
    return x


def traced(**options):
    app = FastAPI()
    app.add_middleware(TrailmarkMiddleware, **options)
    return app


def test_everything_a_request_does_is_in_its_trace(asked, trail):
    app = traced()

    async def first():
        work("async dependency")

    def second():
        work("sync dependency")
        yield
        work("clean-up")

    @app.get("/items/{id}", dependencies=[Depends(first), Depends(second)])
    async def item(id: int):
        await run_in_threadpool(work, id)
        return {"id": work(id)}

    assert asked(app, "/items/5?q=a&q=b&token=0123456789abcdef0123").json() == {"id": 5}
    assert trail.tree() == "GET /items/{id} (general) ok" + "\n  work (general) ok" * 5
    root = trail.spans[0]
    assert root["input"] == {
        "method": "GET",
        "path": "/items/5",
        "query": {"q": ["a", "b"], "token": "[redacted]"},
    }
    assert (root["output"]["status"], root["output"]["bytes"]) == (200, 8)
    assert root["output"]["first_byte_ms"] > 0
    assert "name" not in trail.traces[0]  # it goes by its root's


def test_the_same_paths_again_are_recorded_and_redacted_as_the_first_time(asked, trail):
    app = traced()

    @app.api_route("/files/{name}", methods=["GET", "DELETE"])
    async def file(name: str):
        return name

    secret = "sk-proj-" + "a1B2" * 8
    for _ in range(2):
        for name in (secret, "plain", "ü"):
            assert asked(app, f"/files/{name}").json() == name
    masked, plain, other = ({"method": "GET", "path": f"/files/{name}"} for name in ("[redacted]", "plain", "ü"))
    assert [span["input"] for span in trail.spans] == [masked, plain, other] * 2
    assert not any(secret.encode() in record for record in trail.raw)


def test_the_same_queries_again_are_recorded_and_redacted_as_the_first_time(asked, trail):
    app = traced()

    @app.get("/find{rest:path}")
    async def find(rest: str):
        return rest

    secret = "a1B2" * 8
    queries = ("q=a", "q=b", f"q=a&api_key={secret}", f"code={secret}", f"q=sk%2Dproj%2D{secret}", "")
    for _ in range(2):
        for query in queries:
            assert asked(app, f"/find?{query}").status_code == 200
        assert asked(app, "/find%3Fq=a").json() == "?q=a"  # a path that looks like one with a query
    told = [(span["input"]["path"], span["input"].get("query")) for span in trail.spans]
    masked = "[redacted]"
    asked_for = ({"q": "a"}, {"q": "b"}, {"q": "a", "api_key": masked}, {"code": masked}, {"q": masked}, None)
    assert told == [*(("/find", query) for query in asked_for), ("/find?q=a", None)] * 2
    assert not any(secret.encode() in record for record in trail.raw)


def test_many_long_queries_are_not_kept_in_memory(asked, trail):
    app = traced()
    tracemalloc.start()
    try:
        asked(app, "/nowhere")
        before, _ = tracemalloc.get_traced_memory()
        for n in range(40):
            asked(app, f"/nowhere?{n}={'&'.join(['a' * 30] * 1500)}")  # more fields than are told one by one
        trail_bytes = sum(map(len, trail.raw))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "_bytes" in trail.spans[-1]["input"]["query"]
    assert after - before < trail_bytes + 1_000_000  # the queries are 1.9 MB


def test_an_own_redactor_sees_every_request(asked):
    seen = []

    def redact(value):
        seen.append(value)
        return f"{len(seen)}th"

    with record_trail(redact=redact) as trail:
        app = traced()
        for _ in range(2):
            asked(app, "/nowhere")
            asked(app, "/nowhere?q=a")
        assert {"method": "GET", "path": "/nowhere"} in seen
        assert {"method": "GET", "path": "/nowhere", "query": {"q": "a"}} in seen
        assert len({span["input"] for span in trail.spans}) == 4


def test_a_sync_endpoint_is_as_good(asked, trail):
    app = traced()

    @app.post("/sync")
    def sync():
        return work(1)

    assert asked(app, "/sync", "POST").json() == 1
    assert trail.tree() == "POST /sync (general) ok\n  work (general) ok"


def test_names_have_the_prefix_of_routers_and_mounts(asked, trail):
    app, inner, outer, sub = traced(), APIRouter(prefix="/v1"), APIRouter(prefix="/api"), FastAPI()

    @inner.get("/items/{id}")
    async def item(id: str):
        return id

    @sub.get("/hello/{name}")
    async def hello(name: str):
        return name

    outer.include_router(inner)
    app.include_router(outer, prefix="/deep")
    app.mount("/sub", sub)
    asked(app, "/deep/api/v1/items/x")
    asked(app, "/sub/hello/bob")
    asked(app, "/nowhere/at/all")
    assert [span["name"] for span in trail.spans] == ["GET /deep/api/v1/items/{id}", "GET /sub/hello/{name}", "GET"]
    assert [span["status"] for span in trail.spans] == ["ok"] * 3


def test_plain_starlette_is_named_alike(asked, trail):
    async def page(request):
        return PlainTextResponse("hi")

    app = Starlette(routes=[Route("/a/{b}", page), Mount("/m", routes=[Route("/c/{d}", page)])])
    app.add_middleware(TrailmarkMiddleware)
    asked(app, "/a/1")
    asked(app, "/m/c/2")
    assert [span["name"] for span in trail.spans] == ["GET /a/{b}", "GET /m/c/{d}"]


def test_any_asgi_application_will_do(asked, trail):
    async def bare(scope, receive, send):
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    assert asked(TrailmarkMiddleware(bare), "/x").status_code == 204
    assert trail.tree() == "GET (general) ok"


def test_an_app_mounted_with_a_middleware_of_its_own_makes_one_trace(asked, trail):
    app, sub = traced(), traced()

    @sub.get("/x")
    async def x():
        return work(1)

    app.mount("/sub", sub)
    asked(app, "/sub/x")
    assert trail.tree() == "GET /sub/x (general) ok\n  work (general) ok"


@pytest.mark.parametrize("outermost", [True, False])
def test_an_unhandled_error_is_recorded_with_its_traceback(asked, trail, outermost):
    app = FastAPI()
    seen = []
    if outermost:
        instrument(app)
    else:
        app.add_middleware(TrailmarkMiddleware)

    @app.exception_handler(Exception)
    async def last(request, error):
        seen.append(getattr(trailmark.context.get_current_trace(), "trace_id", None))
        return JSONResponse({"sorry": True}, status_code=500)

    @app.get("/boom")
    async def boom():
        work(1)
        raise ValueError("boom")

    answer = asked(app, "/boom")
    assert (answer.status_code, answer.json()) == (500, {"sorry": True})
    root = trail.spans[0]
    assert (root["name"], root["status"], root["error"]["type"]) == ("GET /boom", "error", "ValueError")
    assert 'raise ValueError("boom")' in root["error"]["traceback"]
    if outermost:
        assert answer.headers["x-trace-id"] == root["trace_id"]
        assert seen == [root["trace_id"]]
        assert root["output"]["status"] == 500


def test_what_a_handler_answers_is_an_error_only_from_500_on(asked, trail):
    app = traced()

    class Teapot(Exception):
        pass

    @app.exception_handler(Teapot)
    async def teapot(request, error):
        return JSONResponse({}, status_code=418)

    @app.get("/{code}")
    async def fail(code: int):
        if code == 418:
            raise Teapot("short and stout")
        raise HTTPException(code, "told")

    for code in (404, 418, 503):
        assert asked(app, f"/{code}").status_code == code
    assert asked(app, "/word").status_code == 422
    missing, pot, broken, invalid = trail.spans
    assert [span["status"] for span in (missing, pot, broken, invalid)] == ["ok", "ok", "error", "ok"]
    assert [span["metadata"]["exception"] for span in (missing, pot, invalid)] == [
        "HTTPException",
        "Teapot",
        "RequestValidationError",
    ]
    assert "raise HTTPException" in broken["error"]["traceback"]


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_stream_ends_its_trace_with_its_last_byte(asked, trail, kind):
    app = traced()

    async def pieces():
        for n in range(3):
            await asyncio.sleep(0)
            yield f"{work(n)}\n"

    def sync_pieces():
        for n in range(3):
            yield f"{work(n)}\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(pieces() if kind == "async" else sync_pieces(), media_type="text/event-stream")

    assert asked(app, "/stream").text == "0\n1\n2\n"
    root, *steps = trail.spans
    assert trail.tree() == "GET /stream (general) ok" + "\n  work (general) ok" * 3
    assert root["end_us"] > max(step["end_us"] for step in steps)
    assert root["output"].pop("first_byte_ms") > 0
    assert root["output"] == {"status": 200, "bytes": 6, "content_type": "text/event-stream; charset=utf-8"}


def test_an_error_in_mid_stream_is_an_error(serve, trail):
    import httpx2

    app = traced()

    async def pieces():
        yield "one"
        raise ValueError("in the middle")

    @app.get("/stream")
    async def stream():
        return StreamingResponse(pieces())

    with serve(app, log_level="critical") as url, pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{url}/stream")
    [root] = trail.spans
    assert (root["status"], root["error"]["message"], root["output"]["bytes"]) == ("error", "in the middle", 3)


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_client_that_leaves_in_mid_stream_cancels_its_trace(serve, trail, kind):
    import httpx2

    app, left = traced(), threading.Event()

    async def pieces():
        with trailmark.span("model", type="llm"):
            while True:
                yield "x" * 1000
                await asyncio.sleep(0.001)

    def sync_pieces():
        while not left.wait(0.001):
            yield "x" * 1000

    @app.get("/stream")
    async def stream():
        return StreamingResponse(pieces() if kind == "async" else sync_pieces())

    with serve(app) as url:
        with httpx2.stream("GET", f"{url}/stream") as answer:
            next(answer.iter_raw())
        assert _eventually(lambda: trail.spans[0]["status"] != "running")
        left.set()
    assert trail.spans[0]["status"] == "cancelled"
    assert trail.spans[0]["metadata"]["client_disconnected"] is True
    if kind == "async":
        assert trail.span("model")["status"] == "cancelled"


def _eventually(look):
    gate = threading.Event()
    return any(look() or gate.wait(0.01) for _ in range(1000))


def test_background_tasks_are_in_the_trace_and_not_in_its_duration(asked, trail):
    app = traced()

    async def later():
        work("async")

    @app.get("/")
    async def root(tasks: BackgroundTasks):
        tasks.add_task(later)
        tasks.add_task(work, "sync")
        return 1

    asked(app)
    root_span, *steps = trail.spans
    assert trail.tree() == "GET / (general) ok\n  work (general) ok\n  work (general) ok"
    assert all(step["start_us"] > root_span["end_us"] for step in steps)


def test_a_background_task_that_fails_is_told_and_the_request_was_fine(serve, trail):
    import httpx2

    app = traced()

    def later():
        raise ValueError("too late")

    @app.get("/")
    async def root(tasks: BackgroundTasks):
        tasks.add_task(later)
        return 1

    with serve(app, log_level="critical") as url:
        assert httpx2.get(url).status_code == 200
    [span] = trail.spans
    assert (span["status"], span["metadata"]["after_response"]) == ("ok", "ValueError: too late")


def test_the_trace_id_is_in_the_answer_and_at_hand_in_the_endpoint(asked, trail):
    app = traced()

    @app.get("/")
    async def root(request: Request):
        return request.state.trace_id

    answer = asked(app)
    assert answer.json() == answer.headers["x-trace-id"] == trail.spans[0]["trace_id"]
    assert "x-trace-id" in asked(app, "/nowhere").headers
    assert "x-trace-id" not in asked(traced(response_header=None)).headers


def test_two_hundred_requests_at_once_are_two_hundred_trees(serve, trail):
    import httpx2

    app = traced()

    @app.get("/{n}")
    async def item(n: int):
        await asyncio.sleep(0.01)
        await run_in_threadpool(work, n)
        return work(n)

    async def ask(url):
        async with httpx2.AsyncClient(base_url=url, limits=httpx2.Limits(max_connections=50)) as client:
            return await asyncio.gather(*(client.get(f"/{n}") for n in range(200)))

    with serve(app) as url:
        assert [answer.json() for answer in asyncio.run(ask(url))] == list(range(200))
    by_trace = {}
    for span in trail.spans:
        by_trace.setdefault(span["trace_id"], []).append(span)
    assert len(by_trace) == 200
    for root, *steps in by_trace.values():
        n = int(root["input"]["path"][1:])
        assert [step["input"]["x"] for step in steps] == [n, n]
