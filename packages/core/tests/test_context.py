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
