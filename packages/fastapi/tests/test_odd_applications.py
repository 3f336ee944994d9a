"""Applications and servers that do what the protocol allows, or nearly: they fare as they would without us."""

import asyncio

import pytest
import trailmark
from trailmark_fastapi import TrailmarkMiddleware

START = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]}
BODY = {"type": "http.response.body", "body": b"hi"}
PIECE = {"type": "http.response.body", "body": b"x", "more_body": True}
SCOPE = {"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b""}


def saying(*messages, then=None):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)
        if then is not None:
            raise then

    return app


def outcome(app, scope):
    """What arrived at the server, and what the application ended with."""
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append({**message, "headers": [pair for pair in message.get("headers", ()) if pair[0] != b"x-trace-id"]})

    async def run():
        try:
            await app(dict(scope), receive, send)
        except BaseException as error:
            return error

    return sent, asyncio.run(run())


@pytest.mark.parametrize(
    ("app", "status", "told"),
    [
        (saying(START, BODY, BODY), "ok", {"status": 200, "bytes": 2}),
        (saying(), "ok", {"status": None, "bytes": 0}),
        (saying(BODY), "ok", {"status": None, "bytes": 2}),
        (saying(then=KeyError("a")), "error", {"status": None, "bytes": 0}),
        (saying(START, then=KeyError("a")), "error", {"status": 200, "bytes": 0}),
        (saying(START, BODY, then=KeyError("a")), "ok", {"status": 200, "bytes": 2}),
        (saying(START, PIECE, then=asyncio.CancelledError()), "cancelled", {"status": 200, "bytes": 1}),
        (saying({**START, "headers": ((b"A", b"b"), [b"Content-Type", b"a/b"])}, BODY), "ok", {"content_type": "a/b"}),
        (saying({"type": "http.response.debug", "info": {}}, START, BODY), "ok", {"status": 200, "bytes": 2}),
        (saying({"type": "http.response.early_hint", "links": []}, START, BODY), "ok", {"status": 200, "bytes": 2}),
        (saying({**START, "trailers": True}, BODY, {"type": "http.response.trailers"}), "ok", {"bytes": 2}),
        (saying(START, {**BODY, "body": memoryview(b"abc")}), "ok", {"bytes": 3}),
    ],
)
def test_what_an_application_says_arrives_and_ends_its_trace(trail, app, status, told):
    sent, error = outcome(TrailmarkMiddleware(app), SCOPE)
    bare, bare_error = outcome(app, SCOPE)
    assert (sent, error) == (bare, bare_error)
    [span] = trail.spans
    assert span["status"] == status
    assert told.items() <= span["output"].items()


def test_an_application_may_send_one_message_again_and_again(trail):
    app = TrailmarkMiddleware(saying(START, BODY))
    for _ in range(2):
        outcome(app, SCOPE)
    assert START["headers"] == [(b"a", b"b")]
    assert len(trail.spans) == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"path": 5},
        {"path": None},
        {"headers": None},
        {"headers": [(b"traceparent",)]},
        {"query_string": "text"},
        {"root_path": 7},
        {"type": "unheard of"},
    ],
)
def test_a_request_that_cannot_be_read_is_served(tmp_path, capfd, odd):
    trailmark.configure(home=tmp_path, quiet=True)
    try:
        sent, error = outcome(TrailmarkMiddleware(saying(START, BODY)), {**SCOPE, **odd})
    finally:
        trailmark.configure(home=None, quiet=None)
    assert (len(sent), error) == (2, None)
    assert "Traceback" not in capfd.readouterr().err
