"""More of what an application may do: files, events, prefixes, names of one's own, sampling, other telemetry."""

import asyncio
import inspect
import resource

import pytest
import trailmark
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from trailmark.testing import record_trail
from trailmark_fastapi import TrailmarkMiddleware, instrument


@trailmark.track
def work(x):
    return x


def traced(app=None, **options):
    app = app or FastAPI()
    app.add_middleware(TrailmarkMiddleware, **options)
    return app


def test_a_file_is_counted_to_its_last_byte(asked, trail, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"x" * 300_000)
    app = traced()
    app.get("/file")(lambda: FileResponse(tmp_path / "a.bin"))
    assert len(asked(app, "/file").content) == 300_000
    assert (trail.spans[0]["output"]["bytes"], trail.spans[0]["status"]) == (300_000, "ok")


def test_a_file_that_the_server_sends_itself_ends_the_trace(trail):
    async def app(scope, receive, send):
        headers = (pair for pair in [(b"content-type", b"text/plain")])  # ASGI wants any iterable
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.pathsend", "path": "/tmp/x"})
        work("after")

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    asyncio.run(TrailmarkMiddleware(app)(scope, None, send))
    root, after = trail.spans
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.pathsend"]
    assert [name for name, _ in sent[0]["headers"]] == [b"content-type", b"x-trace-id"]
    assert (root["status"], after["start_us"] > root["end_us"]) == ("ok", True)


@pytest.mark.parametrize("name", ["x-trace-id", None])
def test_headers_that_can_be_read_once_arrive(trail, name):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": iter([(b"x-mine", b"1")])})
        await send({"type": "http.response.body", "body": b""})

    answer = TestClient(TrailmarkMiddleware(app, response_header=name)).get("/")
    assert answer.headers["x-mine"] == "1"


@pytest.mark.parametrize("kind", [b"content-type", b"Content-Type"])
def test_a_trace_header_of_the_applications_own_stays_the_only_one(trail, kind):
    async def app(scope, receive, send):
        headers = [(kind, b"text/plain"), (b"content-length", b"0"), (b"X-Trace-Id", b"mine")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    answer = TestClient(TrailmarkMiddleware(app)).get("/")
    assert answer.headers.get_list("x-trace-id") == ["mine"]
    assert trail.spans[0]["output"]["content_type"] == "text/plain"


def test_server_sent_events_of_an_endpoint_that_yields_are_one_trace(asked, trail):
    EventSourceResponse = pytest.importorskip("fastapi.sse").EventSourceResponse
    app = traced()

    @app.get("/events", response_class=EventSourceResponse)
    async def events():
        for n in range(3):
            yield {"n": work(n)}

    assert asked(app, "/events").text.count("data:") == 3
    assert trail.tree() == "GET /events (general) ok" + "\n  work (general) ok" * 3


def test_a_redirect_to_the_other_slash_has_no_route(asked, trail):
    app = traced()
    app.get("/items/")(lambda: 1)
    assert asked(app, "/items").status_code == 307
    assert (trail.spans[0]["name"], trail.spans[0]["output"]["status"]) == ("GET", 307)


@pytest.mark.parametrize("outermost", [True, False])
def test_what_the_proxy_puts_before_the_path_is_no_part_of_the_name(serve, trail, outermost):
    import httpx2

    app = FastAPI()
    app.get("/items/{n}")(lambda n: work(n))
    instrument(app) if outermost else traced(app)
    with serve(app) as url:
        assert httpx2.get(f"{url}/items/5", headers={"host": "shop.example"}).status_code == 200
    with serve(app, root_path="/proxy") as url:
        assert httpx2.get(f"{url}/items/5").status_code == 200
    assert {span["name"] for span in trail.spans if span["parent_id"] is None} == {"GET /items/{n}"}


def test_names_and_fields_that_the_endpoint_sets_stay(trail):
    app = traced()

    @app.get("/trace")
    async def trace():
        trailmark.update_current_trace(name="mine", output={"own": 1})

    @app.get("/span")
    async def span():
        trailmark.update_current_span(name="mine", output={"own": 1})

    client = TestClient(app)
    client.get("/trace")
    client.get("/span")
    first, second = trail.spans
    assert (first["name"], first["trace"]["name"], second["name"]) == ("GET /trace", "mine", "mine")
    assert second["output"] == {"own": 1}


def test_nothing_is_taken_from_baggage_but_by_a_function_of_the_user_s(trail):
    headers = {"baggage": "user.id=ada"}
    TestClient(traced()).get("/", headers=headers)
    TestClient(traced(user_id=lambda request: request.headers["baggage"].partition("=")[2])).get("/", headers=headers)
    assert [trace.get("user_id") for trace in trail.traces] == [None, "ada"]


def test_each_request_is_sampled_as_a_whole():
    app = traced()
    app.get("/{n}")(lambda n: work(n))
    with record_trail(sampler=lambda root: root.serial % 3 == 0) as trail:
        client = TestClient(app)
        for n in range(20):
            client.get(f"/{n}")
    roots = [span["trace_id"] for span in trail.spans if span["parent_id"] is None]
    assert 0 < len(roots) < 20
    assert sorted(roots) == sorted(span["trace_id"] for span in trail.spans if span["name"] == "work")


@pytest.mark.skipif("telemetry" not in inspect.signature(FastAPI).parameters, reason="before FastAPI's own telemetry")
def test_fastapi_s_own_telemetry_beside_it_doubles_nothing(trail):
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(memory))
    app = traced(FastAPI(telemetry={"tracer_provider": provider}))
    app.get("/{n}")(lambda n: work(n))
    TestClient(app).get("/1")
    assert trail.tree() == "GET /{n} (general) ok\n  work (general) ok"
    assert memory.get_finished_spans()


def test_a_websocket_that_is_refused_says_how(trail):
    app = traced()

    @app.websocket("/closed")
    async def closed(socket: WebSocket):
        await socket.close(4001)

    @app.websocket("/denied")
    async def denied(socket: WebSocket):
        await socket.send_denial_response(PlainTextResponse("no", status_code=401))

    client = TestClient(app)
    for path in ("/closed", "/denied", "/nowhere"):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(path):
            pass
    outputs = [span["output"] for span in trail.spans]
    assert [span["status"] for span in trail.spans] == ["ok"] * 3
    assert [output["accepted"] for output in outputs] == [False] * 3
    assert (outputs[0]["code"], outputs[1]["status"]) == (4001, 401)


def test_middleware_around_an_application_of_starlette_s_alone(trail):
    async def page(request):
        return PlainTextResponse(request.state.trace_id)

    app = Starlette(routes=[Route("/{x}", page)])
    undo = instrument(app, response_header="X-Request-Trace")
    answer = TestClient(app).get("/1")
    undo()
    assert answer.text == answer.headers["x-request-trace"] == trail.spans[0]["trace_id"]


async def _asynchronous(request):
    return "x"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"response_header": "bad header"}, "response_header is 'bad header'; allowed: the name of a header"),
        ({"response_header": 7}, "response_header is 7"),
        ({"tags": 7}, "tags is 7; allowed: a list of texts, or a function"),
        ({"metadata": "x"}, "metadata is 'x'; allowed: a mapping"),
        ({"user_id": _asynchronous}, "user_id is an async function"),
        ({"capture_request_body": "yes"}, "capture_request_body is 'yes'; allowed: True or False"),
        ({"capture_headers": "x-user"}, "capture_headers is 'x-user'; allowed: a list of texts"),
        ({"colour": "red"}, "unknown option 'colour'; known: exclude, "),
    ],
)
def test_what_could_never_work_is_refused_at_once(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        TrailmarkMiddleware(FastAPI(), **options)


@pytest.mark.slow
def test_a_thousand_streams_open_at_once_are_a_thousand_traces(serve, trail):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    app, count = traced(), 1000
    begun, all_there = [], asyncio.Event()

    @app.get("/{n}")
    async def stream(n: int, request: Request):
        async def pieces():
            yield f"{work(n)}.0 "
            begun.append(n)
            if len(begun) == count:
                all_there.set()
            await all_there.wait()
            for step in range(1, 5):
                yield f"{work(n)}.{step} "
                await asyncio.sleep(0)

        return StreamingResponse(pieces())

    async def ask(host, port, n):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET /{n} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(-1)
        writer.close()
        await writer.wait_closed()
        return answer

    async def ask_all(host, port):
        return await asyncio.gather(*(ask(host, port, n) for n in range(count)))

    with serve(app, backlog=2048) as url:
        host, port = url.removeprefix("http://").split(":")
        answers = asyncio.run(asyncio.wait_for(ask_all(host, int(port)), 300))
    assert all(b"%d.4 " % n in answer for n, answer in enumerate(answers))
    spans = trail.spans
    paths = {span["trace_id"]: span["input"]["path"] for span in spans if span["parent_id"] is None}
    assert len(paths) == count
    inside = [(span["trace_id"], span["input"]["x"]) for span in spans if span["parent_id"] is not None]
    assert len(inside) == 5 * count
    assert all(paths[trace_id] == f"/{n}" for trace_id, n in inside)
    assert {span["status"] for span in spans} == {"ok"}
