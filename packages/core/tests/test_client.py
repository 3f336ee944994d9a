"""Traces and spans made by hand."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trailmark
import trailmark.errors
from trailmark.errors import ServerError
from trailmark.testing import Trail

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_trace_with_spans(trail: Trail) -> None:
    client = trailmark.Client(project_name="Client demo")
    trace = client.trace(name="my_trace", input={"q": "Hello"}, output={"a": "Bonjour"}, thread_id="t1")
    prompt = trace.span(name="prompt", input={"text": "Hello"}, output={"text": "Translate"})
    call = prompt.span(name="call", type="llm", model="gpt-4o-mini", usage={"input": 3, "output": 2})
    call.score("quality", 0.5, reason="short")
    call.end(output="Bonjour")
    trace.end()
    [recorded] = trail.traces
    assert recorded["name"] == "my_trace"
    assert recorded["project"] == "Client demo"
    assert recorded["status"] == "ok"
    assert trail.span("prompt")["parent_id"] is None
    assert trail.span("call")["parent_id"] == prompt.id
    assert trail.span("call")["usage"] == {"input": 3, "output": 2}
    assert trail.span("call")["scores"][0]["reason"] == "short"
    assert trail.span("call")["project"] == "Client demo"
    assert all(span["status"] == "ok" and span["trace_id"] == trace.id for span in trail.spans)


def test_times_given_are_kept(trail: Trail) -> None:
    trace = trailmark.Client().trace(name="past", start_time=NOON, end_time=NOON)
    trace.span(name="step", start_time=NOON, end_time=NOON)
    for record in trail.records:
        assert record["start_us"] == record["end_us"] == int(NOON.timestamp() * 1e6)


def test_a_trace_is_updated_after_its_end(trail: Trail) -> None:
    trace = trailmark.Client().trace(name="t")
    trace.end(output="first")
    trace.update(tags=["late"], output="second")
    assert trail.traces[0]["tags"] == ["late"]
    assert trail.traces[0]["output"] == "second"
    assert trail.traces[0]["status"] == "ok"


def test_scores_by_id(trail: Trail) -> None:
    client = trailmark.Client()
    trace = client.trace(name="t")
    client.score_trace(trace.id, "good", True)
    client.score_thread("t1", "verdict", label="fine")
    scores = [record for record in trail.records if record["k"] == "score"]
    assert {(s["trace_id"], s["thread_id"], s["name"]) for s in scores} == {
        (trace.id, None, "good"),
        (None, "t1", "verdict"),
    }


@pytest.mark.parametrize(
    ("score", "message"),
    [
        ({"name": "x"}, "neither value nor label"),
        ({"name": "", "value": 1}, "score name is ''; allowed: a non-empty text"),
        ({"name": "x", "value": float("nan")}, "allowed: a finite number"),
        ({"name": "x", "value": 1, "colour": "red"}, "allowed: name, value, label, reason"),
    ],
)
def test_a_bad_score_says_what_is_allowed(trail: Trail, score: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trailmark.Client().trace(name="t", scores=[score])


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda client: client.trace(5), "name is 5; allowed: a non-empty text"),
        (lambda client: client.trace("t").span(""), "name is ''; allowed: a non-empty text"),
        (lambda client: client.trace("t", metadata="x"), "metadata is 'x'; allowed: a mapping"),
        (lambda client: client.trace("t", colour=1), "a trace has no colour; allowed: name, input"),
        (lambda client: client.trace("t").span("s", colour=1), "a span has no colour; allowed: name, type"),
        (lambda client: client.trace("t").span("s", usage=5), "usage is 5; allowed: a mapping of input"),
        (lambda client: client.trace("t").score("q", "good"), "a text is its label: label='good'"),
        (lambda client: client.score_thread("", "q", 1), "thread id is ''; allowed: a non-empty text"),
        (lambda client: client.score_thread(5.5, "q", 1), "thread id is 5.5; allowed: a text"),
        (lambda _: trailmark.track(name=5), "name is 5; allowed: a non-empty text"),
        (lambda _: trailmark.track(tags="abc"), "tags is 'abc'; allowed: a list of texts"),
        (lambda _: trailmark.track(ignore_arguments="abc"), "ignore_arguments is 'abc'; allowed: a list of texts"),
        (lambda _: trailmark.track(aggregate=5), "aggregate is 5; allowed: a function"),
    ],
)
def test_what_is_not_allowed_is_named_where_it_is_given(
    trail: Trail, act: Callable[[trailmark.Client], object], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        act(trailmark.Client())


def test_inside_traced_code_it_is_said_and_the_rest_is_recorded(
    on_disk: Callable[[], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    with trailmark.trace("t", type="chat", colour=1, input="kept") as block:
        block.score("q", "good")  # type: ignore[arg-type]
        block.update(usage=5, output="lost with it")
        block.update(output="kept too")
    told = capsys.readouterr().err
    for part in ("type is 'chat'", "a span has no colour", "label='good'", "usage is 5"):
        assert told.count(part) == 1
    recorded = on_disk()["t"]
    assert (recorded["type"], recorded["output"], recorded["status"]) == ("general", "kept too", "ok")


def test_a_bad_id_says_what_is_allowed(trail: Trail) -> None:
    with pytest.raises(ValueError, match="'nope'"):
        trailmark.Client().score_trace("nope", "good", 1)


def test_an_edit_by_id_says_only_what_changes(trail: Trail) -> None:
    client = trailmark.Client()
    span_id, trace_id = str(uuid4()), str(uuid4())
    client.update_span(span_id, output={"api_key": "s3cret"}, metadata={"k": 1}, usage={"input": 3}, scores={"q": 1})
    client.update_trace(trace_id, tags=["late"], user_id="ada")
    edits = [record for record in trail.records if record["k"] == "patch"]
    assert [(e.get("span_id"), e["trace_id"]) for e in edits] == [(span_id, None), (None, trace_id)]
    assert edits[0]["changes"] == {"output": {"api_key": "[redacted]"}, "metadata": {"k": 1}, "usage": {"input": 3}}
    assert edits[1]["changes"] == {"tags": ["late"], "user_id": "ada"}
    [score] = [record for record in trail.records if record["k"] == "score"]
    assert (score["span_id"], score["trace_id"], score["value"]) == (span_id, None, 1)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"colour": 1}, "colour"),
        ({}, "nothing to update"),
        ({"tags": "a"}, "tags is 'a'"),
        ({"scores": {"x": []}}, "allowed"),
    ],
)
def test_a_bad_edit_says_what_is_allowed_and_writes_nothing(
    trail: Trail, edit: dict[str, object], message: str
) -> None:
    for change in (trailmark.Client().update_trace, trailmark.Client().update_span):
        with pytest.raises((TypeError, ValueError), match=message):
            change(str(uuid4()), **edit)
    assert not trail.records


def test_the_trace_of_another_process_is_told_what_it_should_know(trail: Trail) -> None:
    headers = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
    with trailmark.context.attach({**headers, "tracestate": f"trailmark={uuid4()}"}), trailmark.span("here"):
        trailmark.update_current_trace(scores={"quality": 1}, user_id="ada")
    [edit] = [record for record in trail.records if record["k"] == "patch"]
    assert edit["changes"] == {"user_id": "ada"}
    assert edit["trace_id"] == trail.span("here")["trace_id"]


def test_a_clients_own_redactor_is_the_process_s(trail: Trail, tmp_path: Path) -> None:
    trailmark.configure(redact=lambda _: "gone", home=tmp_path, quiet=True)
    client = trailmark.Client(project_name="p")
    client.trace("t", input={"secret plan": 1}).end()
    trailmark.configure(redact=None, home=None, quiet=None)
    text = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"secret plan" not in text
    assert b"gone" in text


def test_local_mode_without_a_server_says_what_to_do(trail: Trail, tmp_path: Path) -> None:
    with pytest.raises(trailmark.errors.ServerError, match="start one"):
        trailmark.Client(home=tmp_path).search_traces()


def test_a_bad_limit_says_what_is_allowed(trail: Trail) -> None:
    with pytest.raises(ValueError, match="limit is 0"):
        trailmark.Client().search_spans(limit=0)


@pytest.mark.parametrize("body", [b"hello", b"[1]", b'{"code": 5}'])
def test_a_server_of_another_kind_is_named_with_what_it_says(trail: Trail, body: bytes) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = trailmark.Client(url=f"http://127.0.0.1:{server.server_port}")
        for ask in (client.search_traces, lambda: client.get_trace(uuid4()), lambda: client.get_span(uuid4())):
            with pytest.raises(ServerError, match="neither as trailmark nor as Opik"):
                ask()
        client.close()
        server.shutdown()


def test_what_a_trace_or_span_failed_with_is_told_at_its_end(trail: Trail) -> None:
    trace = trailmark.Client().trace("t")
    trace.span("raised").end(error=ValueError("Bearer abcdefghijklmnopqrstuvwxyz"), output="half")
    trace.span("told").end(error={"type": "Timeout", "message": "after 5 s"})
    trace.end(error=KeyError("k"))

    raised, told = trail.span("raised"), trail.span("told")
    assert (raised["status"], raised["error"]["type"], raised["output"]) == ("error", "ValueError", "half")
    assert raised["error"]["message"] == "[redacted]"
    assert told["error"] == {"type": "Timeout", "message": "after 5 s", "traceback": ""}
    [ended] = [record for record in trail.records if record["k"] == "trace"]
    assert (ended["status"], ended["error"]["type"]) == ("error", "KeyError")
