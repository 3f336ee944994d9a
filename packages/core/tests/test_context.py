"""Updating the span and trace one is in."""

from __future__ import annotations

import threading

import pytest
import trailmark
from trailmark.testing import Trail


def test_scores_come_short_long_and_as_a_mapping(trail: Trail) -> None:
    @trailmark.track(name="app")
    def app() -> None:
        trailmark.context.update_current_trace({"scores": {"quality": 0.95, "sentiment": 1}})
        verdict = {"name": "verdict", "label": "good", "reason": "cited"}
        trailmark.update_current_trace(tags=["bot"], feedback_scores=[verdict])
        trailmark.update_current_span(scores={"quality": 1})

    app()
    [trace] = trail.traces
    assert trace["tags"] == ["bot"]
    assert [(s["name"], s["value"], s["label"]) for s in trace["scores"]] == [
        ("quality", 0.95, None),
        ("sentiment", 1, None),
        ("verdict", None, "good"),
    ]
    assert trail.span("app")["scores"][0]["value"] == 1


def test_a_renamed_root_span_leaves_the_trace_its_name(trail: Trail) -> None:
    @trailmark.track(name="my_llm_application")
    def chain() -> None:
        trailmark.update_current_span(name="chain", metadata={"k": 2})

    chain()
    assert trail.span("chain")["metadata"] == {"k": 2}
    assert trail.traces[0]["name"] == "my_llm_application"


def test_the_trace_is_updated_from_any_depth(trail: Trail) -> None:
    @trailmark.track
    def leaf() -> None:
        trailmark.update_current_trace(thread_id="t1", user_id="u1", metadata={"a": 1})
        current, root = trailmark.context.get_current_span(), trailmark.context.get_current_trace()
        assert current is not None and root is not None
        assert current.trace_id == root.trace_id

    @trailmark.track
    def root() -> None:
        leaf()

    root()
    assert trail.traces[0]["thread_id"] == "t1"
    assert trail.traces[0]["user_id"] == "u1"
    assert trail.traces[0]["metadata"] == {"a": 1}


def test_outside_a_span_it_says_so_once(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        trailmark.update_current_trace(tags=["x"])
    assert capsys.readouterr().err.count("outside a span") <= 1
    assert not trail.records


def test_a_bad_value_raises_in_tests_and_not_in_production(trail: Trail) -> None:
    @trailmark.track
    def app() -> None:
        trailmark.update_current_span(usage={"tokens": 3})

    with pytest.raises(ValueError, match="usage part is 'tokens'; allowed: input"):
        app()


def test_work_copied_to_a_thread_nests(trail: Trail) -> None:
    @trailmark.track
    def leaf() -> None: ...

    @trailmark.track
    def root() -> None:
        thread = threading.Thread(target=trailmark.context.copy_to_thread(leaf))
        thread.start()
        thread.join()

    root()
    assert trail.tree() == "root (general) ok\n  leaf (general) ok"


def test_metadata_adds_up_and_is_recorded_as_it_was_when_given(trail: Trail) -> None:
    steps = ["one"]
    with trailmark.trace("turn", metadata={"steps": steps, "model": "a"}):
        trailmark.update_current_span(metadata={"model": "b", "more": steps})
        trailmark.update_current_trace(metadata={"model": "c"})
        steps.append("two")

    assert trail.span("turn")["metadata"] == {"steps": ["one"], "model": "b", "more": ["one"]}
    assert trail.traces[0]["metadata"] == {"steps": ["one"], "model": "c"}


def test_a_secret_in_a_name_stays_hidden_when_the_span_is_renamed(trail: Trail) -> None:
    secret = "sk-" + "a1B2" * 8
    with trailmark.trace(f"for {secret}"):
        trailmark.update_current_span(name="better")

    assert trail.traces[0]["name"] == "for [redacted]"
    assert secret.encode() not in b"".join(trail.raw)
