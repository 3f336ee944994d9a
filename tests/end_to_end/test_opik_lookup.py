"""The client against a server that speaks Opik's protocol alone: it delivers, finds, reads and edits there by Opik's routes."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
import trailmark
from trailmark.errors import NotFoundError, QueryError, ServerError

from .conftest import eventually


def only_opik(server: str, asked: list[str]) -> type[BaseHTTPRequestHandler]:
    """Hands everything below `/api/v1/private` on to our server, and keeps to itself that it is ours."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {
                k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")
            }
            with closing(http.client.HTTPConnection(urlsplit(server).netloc)) as upstream:
                upstream.request(self.command, self.path, body, headers)
                answer = upstream.getresponse()
                data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() == "content-type":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def client(server: str, asked: list[str], request: pytest.FixtureRequest) -> Iterator[trailmark.Client]:
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), only_opik(server, asked))
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    opened = trailmark.Client(project_name=request.node.name, url=f"http://127.0.0.1:{proxy.server_port}")
    yield opened
    opened.close()
    proxy.shutdown()
    thread.join()
    proxy.server_close()


def test_what_was_recorded_is_found_and_read_by_opiks_routes(client: trailmark.Client, asked: list[str]) -> None:
    trace = client.trace(
        "order", input={"q": 1}, tags=["shop"], thread_id="t-1", user_id="ada", scores={"quality": 0.4}
    )
    call = trace.span("call", type="embedding", model="gpt-4o-mini", usage={"input": 9, "output": 2}, output="yes")
    trace.end(output="text")
    client.trace("other", tags=["test"]).end()
    assert client.flush(10)
    query = 'score.quality<0.7 tag:shop name:ord* -tag:test status:ok duration<1h thread:"t-1" start>-1h cost<5'
    [found] = eventually(lambda: client.search_traces(query.replace(" cost<5", "")))
    assert (found.id, found.name, found.input, found.output) == (trace.id, "order", {"q": 1}, "text")
    assert (found.thread_id, found.user_id, found.status, found.tags) == ("t-1", "ada", "ok", ["shop"])
    assert found.scores["quality"]["value"] == 0.4
    [span] = client.search_spans("model:*4o* tokens>=11")
    assert (span.id, span.type, span.output, span.usage) == (call.id, "embedding", "yes", {"input": 9, "output": 2})
    client.update_trace(trace.id, tags=["late"])
    client.score_trace(trace.id, "verdict", label="good")
    assert client.flush(10)
    assert eventually(lambda: "verdict" in client.get_trace(trace.id).scores)
    assert client.get_span(call.id).trace_id == trace.id
    assert not [route for route in asked if "/v1/private" not in route and "is-alive" not in route]


def test_long_results_come_whole(client: trailmark.Client) -> None:
    for number in range(1030):
        client.trace(f"t{number}").end()
    assert client.flush(30)
    eventually(lambda: len(client.search_traces(limit=2000)) == 1030)
    assert len({found.id for found in client.search_traces("name~t", limit=1007)}) == 1007


def test_what_opik_cannot_be_asked_or_has_not_is_said(client: trailmark.Client, asked: list[str]) -> None:
    for query in ("refund policy", "a OR b", "any(kind:tool)", "-name:a*", "has:error", "duration>soon", "start>noon"):
        with pytest.raises(QueryError, match=r"Opik|no number|no time"):
            client.search_traces(query)
    missing = "018bcfe5-6800-7000-8000-000000000001"
    for look in (client.get_trace, client.get_span):
        with pytest.raises(NotFoundError, match=missing):
            look(missing)
    with pytest.raises(ServerError, match="Opik server"):
        client.get_attachment(missing)
    client.delete_trace(missing)  # Opik says of none that it is gone, as it is
    assert f"DELETE /api/v1/private/traces/{missing}" in asked
