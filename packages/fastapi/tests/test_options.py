"""What users may say, what is left out, and what an odd caller sends."""

import logging

import httpx2
import pytest
import trailmark
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.testclient import TestClient
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from trailmark.testing import record_trail
from trailmark_fastapi import TrailmarkMiddleware, instrument

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@trailmark.track
def work(x=0):
    return x


def app_with(**options):
    app = FastAPI()
    app.add_middleware(TrailmarkMiddleware, **options)

    @app.post("/echo")
    async def echo(request: Request):
        return PlainTextResponse(await request.body(), media_type=request.headers.get("x-answer", "text/plain"))

    @app.get("/{rest:path}")
    async def any_path(rest: str):
        return {"rest": work(rest)}

    return app


def test_values_and_functions_of_the_request_name_user_thread_and_more(trail):
    app = app_with(
        user_id=lambda request: request.headers["x-user"],
        thread_id=lambda request: request.query_params["chat"],
        tags=["web"],
        metadata=lambda request: {"path": request.url.path},
        project_name="shop",
    )
    TestClient(app).get("/a?chat=7", headers={"x-user": "ada"})
    [trace] = trail.traces
    assert (trace["user_id"], trace["thread_id"], trace["tags"]) == ("ada", "7", ["web"])
    assert (trace["metadata"], trace["project"]) == ({"path": "/a"}, "shop")


def test_a_function_that_raises_leaves_its_field_out_and_the_request_is_served(tmp_path, capfd):
    trailmark.configure(home=tmp_path, quiet=True)
    try:
        client = TestClient(app_with(user_id=lambda request: 1 / 0, tags=["web"]))
        assert [client.get("/a").status_code for _ in range(3)] == [200] * 3
    finally:
        trailmark.configure(home=None, quiet=None)
    assert capfd.readouterr().err.count("ZeroDivisionError") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_body_bytes": -1}, "max_body_bytes is -1"),
        ({"exclude": "/health"}, "exclude is '/health'; allowed: a list"),
        ({"exclude": ["("]}, "no regular expression"),
        ({"tags": "web"}, "tags is 'web'"),
        ({"user_id": 7}, "user_id is 7; allowed: a text"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_options_are_told_at_once(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        TrailmarkMiddleware(FastAPI(), **options)
    with pytest.raises((TypeError, ValueError), match=message):
        instrument(FastAPI(), **options)


def test_health_checks_preflights_and_what_you_name_are_left_out(trail):
    client = TestClient(app_with(exclude=["/internal/", "/healthz$"]))
    for path in ("/healthz", "/internal/x"):
        client.get(path)
    client.options("/a")
    assert trail.tree() == "work (general) ok\nwork (general) ok"
    TestClient(app_with()).get("/metrics")
    assert all(span["name"] == "work" for span in trail.spans)


def test_nothing_is_opened_when_tracing_is_off(trail):
    trailmark.set_tracing_active(False)
    answer = TestClient(app_with()).get("/a")
    trailmark.set_tracing_active(True)
    assert "x-trace-id" not in answer.headers
    assert trail.raw == []


@pytest.mark.parametrize(
    ("headers", "follows"),
    [
        ({"traceparent": PARENT}, True),
        ({"TraceParent": PARENT.replace("-01", "-00")}, True),
        ({"opik_trace_id": "0198c0de-0000-7000-8000-000000000001"}, True),
        ({"traceparent": PARENT.replace("00-4", "ff-4")}, False),
        ({"traceparent": PARENT[:-1]}, False),
        ({"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"}, False),
        ({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01"}, False),
        ({"traceparent": "\x00garbage"}, False),
    ],
)
def test_an_incoming_trace_is_continued_and_a_broken_one_is_a_new_trace(trail, headers, follows):
    TestClient(app_with()).get("/a", headers=headers)
    wanted = ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "0198c0de-0000-7000-8000-000000000001")
    assert (trail.spans[0]["trace_id"] in wanted) is follows


def test_who_does_not_trust_callers_notes_their_trace_only(trail):
    TestClient(app_with(trust_incoming=False)).get("/a", headers={"traceparent": PARENT})
    assert trail.spans[0]["trace_id"] != "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
    assert trail.spans[0]["metadata"]["incoming_trace_id"] == "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"


def test_a_client_in_the_same_process_is_no_parent_but_by_its_headers(trail):
    client = TestClient(app_with())
    with trailmark.span("client"):
        client.get("/a")
        client.get("/b", headers=trailmark.context.distributed_headers())
    client_span, first, _, second, _ = trail.spans
    assert (first["parent_id"], first["trace_id"] == client_span["trace_id"]) == (None, False)
    assert (second["parent_id"], second["trace_id"]) == (client_span["id"], client_span["trace_id"])


@pytest.mark.parametrize(
    ("sent", "kind", "shown"),
    [
        (b'{"a": 1, "password": "hunter2hunter2hunter2"}', "application/json", {"a": 1, "password": "[redacted]"}),
        (b"a=1&a=2&b=", "application/x-www-form-urlencoded", {"a": ["1", "2"], "b": ""}),
        (b"hello", "text/plain; charset=utf-8", "hello"),
        (b"x" * 200, "text/plain", "x" * 100 + "… [cut: 200 bytes in all]"),
        (b"{broken", "application/json", {"bytes": 7, "content_type": "application/json"}),
        (b"\xff\xfe", "text/plain", {"bytes": 2, "content_type": "text/plain"}),
        (b"\x89PNG", "image/png", {"bytes": 4, "content_type": "image/png"}),
        (
            b"[" + b"1," * 99,
            "application/json",
            {"bytes": 199, "content_type": "application/json", "beginning": "[" + "1," * 49 + "1"},
        ),
    ],
)
def test_bodies_are_recorded_on_demand_as_what_they_are(trail, sent, kind, shown):
    app = app_with(capture_request_body=True, capture_response_body=True, max_body_bytes=100)
    answer = TestClient(app).post("/echo", content=sent, headers={"content-type": kind, "x-answer": kind})
    assert answer.content == sent
    [span] = trail.spans
    assert span["input"]["body"] == shown
    assert span["output"]["body"] == shown
    assert span["input"]["bytes"] == span["output"]["bytes"] == len(sent)


def test_bodies_and_headers_are_left_out_by_default(trail):
    headers = {"authorization": "Bearer 0123456789abcdef0123456789", "x-mine": "1"}
    TestClient(app_with(capture_headers=["X-Mine"])).post("/echo", content=b"top secret text", headers=headers)
    [span] = trail.spans
    assert span["input"]["headers"] == {"x-mine": "1"}
    assert not any(b"top secret" in record or b"0123456789abcdef" in record for record in trail.raw)


def test_an_upload_passes_in_pieces_and_is_not_kept(serve, trail):
    app, sizes = FastAPI(), []
    app.add_middleware(TrailmarkMiddleware, capture_request_body=True)

    @app.post("/raw")
    async def raw(request: Request):
        async for piece in request.stream():
            sizes.append(len(piece))
        return sum(sizes)

    @app.post("/form")
    async def form(request: Request):
        return b"hello" in await request.body()

    with serve(app) as url:
        assert httpx2.post(f"{url}/raw", content=(b"x" * 65536 for _ in range(320))).json() == 320 * 65536
        assert httpx2.post(f"{url}/form", files={"file": ("a.txt", b"hello")}).json() is True
    assert max(sizes) < 1_000_000
    raw_span, form_span = trail.spans
    assert raw_span["input"]["bytes"] == 320 * 65536
    assert form_span["input"]["body"]["content_type"] == "multipart/form-data"
    assert sum(map(len, trail.raw)) < 10_000


def test_other_middleware_around_and_inside_changes_nothing(trail):
    app = FastAPI()

    async def passing(request, call_next):
        work("inside")
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=passing)
    app.add_middleware(GZipMiddleware, minimum_size=10)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    app.add_middleware(TrailmarkMiddleware)
    app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))

    @app.get("/long")
    def long():
        return "x" * 1000 + str(work("endpoint"))

    answer = TestClient(app).get("/long", headers={"origin": "http://a.example"})
    assert answer.json() == "x" * 1000 + "endpoint"
    assert (answer.headers["content-encoding"], answer.headers["access-control-allow-origin"]) == ("gzip", "*")
    assert trail.tree() == "GET /long (general) ok\n  work (general) ok\n  work (general) ok"


def test_a_websocket_is_one_trace_that_counts_its_messages(trail):
    app = app_with()

    @app.websocket("/ws/{room}")
    async def room(socket: WebSocket):
        await socket.accept()
        while (text := await socket.receive_text()) != "bye":
            await socket.send_text(work(text))
        await socket.close(1000)

    @app.websocket("/broken")
    async def broken(socket: WebSocket):
        await socket.accept()
        raise ValueError("boom")

    @app.websocket("/left")
    async def left(socket: WebSocket):
        await socket.accept()
        await socket.receive_text()

    client = TestClient(app)
    with client.websocket_connect("/ws/tea") as socket:
        for text in ("a", "b", "bye"):
            socket.send_text(text)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/left"):
        pass
    with pytest.raises(ValueError, match="boom"), client.websocket_connect("/broken") as socket:
        socket.receive_text()
    talk, left_span, broken_span = [span for span in trail.spans if span["parent_id"] is None]
    assert (talk["name"], talk["status"]) == ("WS /ws/{room}", "ok")
    assert talk["output"] == {"received": 3, "sent": 2, "code": 1000, "accepted": True}
    assert [span["parent_id"] for span in trail.spans if span["name"] == "work"] == [talk["id"]] * 2
    assert (left_span["status"], left_span["output"]["code"]) == ("ok", 1000)
    assert (broken_span["status"], broken_span["error"]["message"]) == ("error", "boom")


def test_instrument_is_once_and_undone_leaves_the_application_as_it_was(trail):
    app = FastAPI()
    app.get("/a")(work)
    build = app.build_middleware_stack
    undo, again = instrument(app), instrument(app)
    TestClient(app).get("/a")
    assert trail.tree() == "GET /a (general) ok\n  work (general) ok"
    again()
    undo()
    trail.raw.clear()
    TestClient(app).get("/a")
    assert trail.tree() == "work (general) ok"
    assert app.build_middleware_stack == build
    with pytest.raises(TypeError, match="got function"):
        instrument(work)


def test_the_whole_process_can_be_instrumented(trail):
    app, traced = FastAPI(), app_with()
    app.get("/a")(work)
    TestClient(app).get("/a")  # its middleware is built already
    undo = instrument(user_id="ada")
    assert instrument() is not None
    TestClient(app).get("/a")
    TestClient(traced).get("/b")
    undo()
    TestClient(app).get("/a")
    assert trail.tree() == (
        "work (general) ok\nGET /a (general) ok\n  work (general) ok\n"
        "GET /{rest} (general) ok\n  work (general) ok\nwork (general) ok"
    )
    assert [trace["user_id"] for trace in trail.traces if "user_id" in trace] == ["ada", "ada"]


def test_startup_and_shutdown_run_as_before_and_spans_are_delivered_with_them(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    seen = []

    async def lifespan(app):
        seen.append("up")
        yield {"shared": 1}
        seen.append("down")

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(TrailmarkMiddleware)

    @app.get("/shared")
    async def shared(request: Request):
        return [request.state.shared, len(request.state.trace_id)]

    trailmark.configure(home=tmp_path, quiet=True)
    try:
        with TestClient(app) as client:
            assert client.get("/shared").json() == [1, 36]
        assert trailmark.stats()["pending"] == 0
    finally:
        trailmark.configure(home=None, quiet=None)
    assert seen == ["up", "down"]


def test_nothing_of_a_request_is_recorded_when_the_settings_leave_it_out():
    app = FastAPI()
    app.add_middleware(
        TrailmarkMiddleware,
        capture_request_body=True,
        capture_response_body=True,
        capture_headers=["x-of"],
        tags=["web"],
    )

    @app.post("/items/{id}")
    def item(id: str, body: dict):
        return {**body, "id": work(id)}

    @app.websocket("/ws/{room}")
    async def room(socket: WebSocket, room: str):
        await socket.accept()
        await socket.send_text(await socket.receive_text() + room)
        await socket.close()

    with record_trail(capture_input=False, capture_output=False) as trail, TestClient(app) as client:
        said = client.post("/items/marker?q=marker", json={"a": "marker"}, headers={"x-of": "marker"}).json()
        assert said == {"a": "marker", "id": "marker"}
        assert client.get("/marker").status_code == 404
        with client.websocket_connect("/ws/marker?q=marker") as socket:
            socket.send_text("marker")
            socket.receive_text()
    assert not [record for record in trail.raw if b"marker" in record]
    assert all({"input", "output"}.isdisjoint(span) for span in trail.spans)
    posted = trail.span("POST /items/{id}")
    told = posted["metadata"]["response"]
    assert (posted["tags"], told["status"], told["bytes"]) == (["web"], 200, 28)
    assert trail.span("WS /ws/{room}")["metadata"]["response"]["received"] == 1


def test_one_half_of_a_request_can_be_left_out():
    with record_trail(capture_input=False) as trail:
        TestClient(app_with(capture_response_body=True)).get("/a?q=marker")
    root = trail.spans[0]
    assert ("input" in root, root["output"]["status"], "metadata" in root) == (False, 200, False)
