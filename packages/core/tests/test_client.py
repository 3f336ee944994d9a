"""Traces and spans made by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trailmark
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


def test_a_bad_id_says_what_is_allowed(trail: Trail) -> None:
    with pytest.raises(ValueError, match="'nope'"):
        trailmark.Client().score_trace("nope", "good", 1)
