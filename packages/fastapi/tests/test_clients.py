"""What clients send over a raw socket: odd trace headers, nothing at all, or no interest in the answer."""

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager

import pytest
import trailmark
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from trailmark_fastapi import TrailmarkMiddleware

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACE_ID = "0af76519-16cd-43dd-8448-eb211c80319c"
GOOD = f"00-{TRACE}-b7ad6b7169203331-01"
OURS = "018f3c5e-7b1a-7c3d-9e2f-b7ad6b716920"
THIRTY_TWO = ",".join(f"k{n}=1" for n in range(32))


@pytest.fixture(scope="module")
def url(serve):
    app = FastAPI()
    app.add_middleware(TrailmarkMiddleware)

    @app.get("/told")
    async def told():
        return trailmark.context.distributed_headers()

    @app.get("/endless")
    async def endless():
        async def pieces():
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)  # uvicorn lets those who are gone be written to without end

        return StreamingResponse(pieces())

    @app.get("/silent")
    async def silent():
        async def pieces():
            yield b"x"
            await asyncio.sleep(3600)

        return StreamingResponse(pieces())

    with serve(app) as address:
        yield address


@contextmanager
def connected(url):
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        yield raw


def ask(url, *headers, path="/told"):
    with connected(url) as raw:
        lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
        raw.sendall("\r\n".join(lines).encode("latin-1"))
        answer = b""
        while data := raw.recv(65536):
            answer += data
    return answer


def wait_for(look):
    gate = threading.Event()
    assert any(look() or gate.wait(0.01) for _ in range(1000))


@pytest.mark.parametrize(
    ("headers", "is_continued", "parent"),
    [
        ([f"traceparent: {GOOD}"], True, None),
        ([f"TraceParent: {GOOD}"], True, None),
        ([f"TRACEPARENT:{GOOD}"], True, None),
        ([f"traceparent: \t{GOOD} \t"], True, None),
        ([f"traceparent: {GOOD[:-2]}00"], True, None),
        ([f"traceparent: cc{GOOD[2:]}"], True, None),
        ([f"traceparent: cc{GOOD[2:]}-what-the-future-will-be-like"], True, None),
        ([f"traceparent: {GOOD}", f"tracestate: trailmark={OURS}"], True, OURS),
        ([f"traceparent: {GOOD}", f"TraceState: foo=1 , trailmark={OURS},,"], True, OURS),
        ([f"traceparent: {GOOD}", "tracestate: foo=1", f"tracestate: trailmark={OURS}"], True, OURS),
        ([f"traceparent: {GOOD}", "tracestate:", f"tracestate: trailmark={OURS}"], True, OURS),
        ([f"traceparent: {GOOD}", f"tracestate: foo=1,foo=1,trailmark={OURS}"], True, None),
        ([f"traceparent: {GOOD}", f"tracestate: trailmark={OURS},{THIRTY_TWO}"], True, None),
        ([f"traceparent: {GOOD}", "tracestate: \xff\xfe=1"], True, None),
        ([f"traceparent: {GOOD}", f"traceparent: {GOOD}"], False, None),
        ([f"traceparent: {GOOD},{GOOD}"], False, None),
        ([f"trace-parent: {GOOD}"], False, None),
        ([f"trace.parent: {GOOD}"], False, None),
        ([f"traceparent: ff{GOOD[2:]}"], False, None),
        ([f"traceparent: {GOOD.upper()}"], False, None),
        ([f"traceparent: {GOOD}-01"], False, None),
        ([f"traceparent: {GOOD[:-1]}"], False, None),
        ([f"traceparent: 00-{'0' * 32}-b7ad6b7169203331-01"], False, None),
        ([f"traceparent: 00-{TRACE}-{'0' * 16}-01"], False, None),
        ([f"traceparent: 00-{TRACE[:-1]}g-b7ad6b7169203331-01"], False, None),
        (["traceparent:", f"tracestate: trailmark={OURS}"], False, None),
        ([f"tracestate: trailmark={OURS}"], False, None),
        ([f"opik_trace_id: {TRACE_ID}", f"opik_parent_span_id: {OURS}"], True, OURS),
        ([f"opik-trace-id: {TRACE_ID}"], True, None),
        (["opik_trace_id: nonsense"], False, None),
    ],
)
def test_trace_headers_are_taken_as_w3c_says_and_bad_ones_are_none(url, trail, headers, is_continued, parent):
    answer = ask(url, *headers)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    [span] = trail.spans
    assert (span["trace_id"] == TRACE_ID) is is_continued
    assert span["parent_id"] == parent
    assert f"x-trace-id: {span['trace_id']}".encode() in answer


def test_other_vendors_members_are_passed_on(url, trail):
    answer = ask(url, f"traceparent: {GOOD}", "tracestate: congo=t61rcWkgMzE", "tracestate: rojo=00f067aa0ba902b7")
    state = f"trailmark={trail.spans[0]['id']},congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"
    assert state.encode() in answer


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_never_reads_ends_as_cancelled_when_it_goes(url, trail, how):
    with connected(url) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: trail.spans)
        if how == "reset":
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_for(lambda: trail.spans[0]["status"] != "running")
    [span] = trail.spans
    assert (span["name"], span["status"]) == ("GET /endless", "cancelled")
    assert span["metadata"]["client_disconnected"] is True


def test_a_client_that_leaves_a_silent_stream_ends_it(url, trail):
    with connected(url) as raw:
        raw.sendall(b"GET /silent HTTP/1.1\r\nHost: x\r\n\r\n")
        while not raw.recv(4096).endswith(b"x\r\n"):
            pass
        assert trail.spans[0]["status"] == "running"
    wait_for(lambda: trail.spans[0]["status"] != "running")
    assert (trail.spans[0]["status"], trail.spans[0]["output"]["bytes"]) == ("cancelled", 1)


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /told", b"\x16\x03\x01\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_is_no_request_is_no_trace(url, trail, sent):
    with connected(url) as raw:
        raw.sendall(sent)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass
    ask(url)
    assert [span["name"] for span in trail.spans] == ["GET /told"]


def test_two_requests_in_one_breath_are_two_traces(url, trail):
    with connected(url) as raw:
        one = b"GET /told HTTP/1.1\r\nHost: x\r\n"
        raw.sendall(one + b"\r\n" + one + b"Connection: close\r\n\r\n")
        while raw.recv(4096):
            pass
    assert len({span["trace_id"] for span in trail.spans}) == 2
