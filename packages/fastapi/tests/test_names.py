"""What a request is called, and from when on."""

import asyncio
import threading

import httpx2
import pytest
import trailmark
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from trailmark_fastapi import TrailmarkMiddleware, instrument


def traced():
    app = FastAPI()
    app.add_middleware(TrailmarkMiddleware)
    return app


@pytest.fixture
def running(trail):
    """The names that requests under way go by now."""
    return lambda: [span["name"] for span in trail.spans if span["status"] == "running" and span["parent_id"] is None]


@pytest.mark.parametrize("has_length", [False, True])
def test_a_stream_is_named_by_its_route_before_its_first_byte_is_there(serve, trail, running, has_length):
    app, go, headers = traced(), threading.Event(), {"content-length": "8"} if has_length else {}

    async def pieces():
        yield "one "
        await asyncio.to_thread(go.wait, 10)
        yield "two "

    @app.get("/chat/{id}")
    async def chat(id: str):
        return StreamingResponse(pieces(), headers=headers)

    with serve(app) as url, httpx2.stream("GET", f"{url}/chat/7") as answer:
        parts = answer.iter_raw()
        next(parts)
        assert running() == ["GET /chat/{id}"]
        go.set()
        assert b"".join(parts) == b"two "
    [root] = trail.spans
    assert (root["name"], root["status"], root["output"]["bytes"]) == ("GET /chat/{id}", "ok", 8)


def test_a_stream_that_waits_for_its_first_byte_is_named_already(serve, trail, running):
    app, go = traced(), threading.Event()

    async def pieces():
        await asyncio.to_thread(go.wait, 10)
        yield "one"

    @app.get("/slow")
    async def slow():
        return StreamingResponse(pieces())

    with serve(app) as url, httpx2.stream("GET", f"{url}/slow") as answer:
        assert running() == ["GET /slow"]
        go.set()
        assert answer.read() == b"one"
    assert trail.tree() == "GET /slow (general) ok"


def test_routes_that_share_segments_are_each_named_from_their_first_moment(trail, running):
    app = traced()
    asked = {
        "/users/1": "/users/{id}",
        "/users/1/posts": "/users/{id}/posts",
        "/users/me/photos": "/users/me/{part}",
        "/users/1/posts/2": "/users/{id}/posts/{post}",
        "/teams": "/teams",
    }
    for template in asked.values():
        app.get(template)(lambda: running())
    with TestClient(app) as client:
        first = [client.get(path).json() for path in asked]
        again = [client.get(path).json() for path in asked]
    assert first == [["GET"]] * len(asked)
    assert again == [[f"GET {template}"] for template in asked.values()]


def test_a_websocket_is_named_when_it_is_accepted(trail, running):
    app = traced()

    @app.websocket("/rooms/{id}")
    async def room(socket: WebSocket, id: str):
        await socket.accept()
        await socket.send_text(running()[0])
        await socket.close()

    with TestClient(app).websocket_connect("/rooms/1") as socket:
        assert socket.receive_text() == "WS /rooms/{id}"


@pytest.mark.parametrize("path", ["/plain", "/items/5", "/v2/items/5"])
def test_the_second_request_of_a_route_has_its_name_from_the_start_and_two_records(trail, running, path):
    app = Starlette()

    def named():
        async def endpoint(_request):
            return PlainTextResponse(",".join(running()))

        return endpoint  # one for each route: Starlette before 1.0 tells no more than which it chose

    def routes():
        return [Route("/plain", named()), Route("/items/{id}", named())]

    app.router.routes += [*routes(), Mount("/v2", routes=routes())]
    client = TestClient(TrailmarkMiddleware(app))
    expected = f"GET {path.replace('5', '{id}')}"
    assert [client.get(path).text, client.get(path.replace("5", "6")).text] == ["GET", expected]
    assert [span["name"] for span in trail.spans] == [expected, expected]
    assert len(trail.raw) == 4


def test_applications_of_one_process_know_their_own_routes_only(trail, running):
    class ByValue(FastAPI):
        __eq__ = object.__eq__
        __hash__ = None

    first, second, third = FastAPI(), FastAPI(), ByValue()
    third.get("/items/{key}")(lambda: running())
    first.get("/items/{id}")(lambda: running())
    second.get("/items/{name}")(lambda: running())
    undo = instrument()
    try:
        for app, expected in (
            (first, "GET"),
            (second, "GET"),
            (first, "GET /items/{id}"),
            (second, "GET /items/{name}"),
        ):
            assert TestClient(app).get("/items/5").json() == [expected]
        assert TestClient(third).get("/items/5").json() == ["GET"]
    finally:
        undo()
    assert [span["name"] for span in trail.spans] == ["GET /items/{id}", "GET /items/{name}"] * 2 + ["GET /items/{key}"]


def test_a_guess_that_is_wrong_is_corrected_and_not_made_again(trail, running):
    app = traced()

    @app.get("/{page}/{id:int}")
    async def numbered(page: str, id: int):
        return running()

    @app.get("/{page}/{name}")
    async def named(page: str, name: str):
        return running()

    client = TestClient(app)
    asked = [client.get(path).json() for path in ("/a/1", "/a/b", "/a/1", "/c/d")]
    assert asked == [["GET"], ["GET /{page}/{id}"], ["GET /{page}/{name}"], ["GET"]]
    assert [span["name"] for span in trail.spans] == ["GET /{page}/{id}", "GET /{page}/{name}"] * 2  # in the end


def test_a_path_that_only_looks_like_a_known_route_ends_without_its_name(trail):
    app = traced()

    @app.get("/items/{id:int}")
    async def item(id: int):
        return id

    client = TestClient(app)
    assert [client.get(f"/items/{id}").status_code for id in ("1", "x", "2")] == [200, 404, 200]
    assert [span["name"] for span in trail.spans] == ["GET /items/{id}", "GET", "GET /items/{id}"]


def test_a_name_that_the_endpoint_sets_stays_whether_the_route_was_known_or_not(trail):
    app = traced()

    @app.get("/items/{id}")
    async def item(id: int):
        trailmark.update_current_span(name=f"item {id}")
        return StreamingResponse(iter(["x"]))

    client = TestClient(app)
    assert [client.get(f"/items/{id}").text for id in (1, 2)] == ["x", "x"]
    assert [span["name"] for span in trail.spans] == ["item 1", "item 2"]


def test_paths_behind_a_proxy_are_known_without_what_it_put_before_them(trail, running):
    app = traced()

    @app.get("/items/{id}")
    async def item(id: int):
        return running()

    client = TestClient(app, root_path="/api")
    assert [client.get("/api/items/1").json(), client.get("/api/items/2").json()] == [["GET"], ["GET /items/{id}"]]
