"""`trace()` and `span()`: what is said of a trace is the trace's, what is said of a span the span's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trailmark
from trailmark.model import Attachment
from trailmark.testing import Trail

CHART = Attachment(b"\x89PNG\r\n\x1a\n", "chart.png")


def in_a_block(judge: Callable[[Any], None]) -> None:
    with trailmark.trace("turn") as trace:
        judge(trace)


def in_an_async_block(judge: Callable[[Any], None]) -> None:
    async def main() -> None:
        async with trailmark.trace("turn") as trace:
            judge(trace)

    asyncio.run(main())


def after_the_block(judge: Callable[[Any], None]) -> None:
    with trailmark.trace("turn") as trace:
        pass
    judge(trace)


def from_a_span_inside(judge: Callable[[Any], None]) -> None:
    with trailmark.trace("turn"), trailmark.span("step"):
        judge(trailmark.context.get_current_trace())


def in_a_tracked_function(judge: Callable[[Any], None]) -> None:
    @trailmark.track
    def turn() -> None:
        judge(trailmark.context.get_current_trace())

    turn()


def on_one_made_by_hand(judge: Callable[[Any], None]) -> None:
    trace = trailmark.Client().trace("turn")
    judge(trace)
    trace.span("turn").end()
    trace.end()


@pytest.mark.parametrize(
    "where",
    [in_a_block, in_an_async_block, after_the_block, from_a_span_inside, in_a_tracked_function, on_one_made_by_hand],
)
def test_what_is_said_of_a_trace_is_the_traces_alone(trail: Trail, where: Callable[..., None]) -> None:
    def judge(trace: Any) -> None:
        trace.update(scores={"quality": 0.5, "verdict": "good"}, thread_id="t1", user_id="ada", attachments=[CHART])
        trace.score("quality", 0.9, reason="cited")

    where(judge)
    [trace] = trail.traces
    [file] = [record for record in trail.records if record["k"] == "file"]

    assert [(s["name"], s["value"], s["label"]) for s in trace["scores"]] == [
        ("quality", 0.9, None),
        ("verdict", None, "good"),
    ]
    assert (trace["thread_id"], trace["user_id"]) == ("t1", "ada")
    assert (file["trace_id"], file["span_id"]) == (trace["id"], None)
    assert not any("scores" in span for span in trail.spans)


def test_a_trace_takes_them_when_it_is_opened_too(trail: Trail) -> None:
    with trailmark.trace("turn", scores={"a": 1}, feedback_scores=[{"name": "b", "value": 2}], attachments=[CHART]):
        pass

    assert {s["name"]: s["value"] for s in trail.traces[0]["scores"]} == {"a": 1, "b": 2}
    assert "scores" not in trail.span("turn")
    assert [record["span_id"] for record in trail.records if record["k"] == "file"] == [None]


def test_what_only_a_span_has_goes_to_the_traces_root_span(trail: Trail) -> None:
    with trailmark.trace("turn") as trace:
        trace.update(type="llm", input="hi", output="hello", model="m", usage={"input": 3}, total_cost=0.1)
    span = trail.span("turn")

    assert (span["type"], span["input"], span["output"], span["model"]) == ("llm", "hi", "hello", "m")
    assert (span["usage"], span["total_cost"]) == ({"input": 3}, 0.1)
    assert trail.traces[0].keys() == {"id", "project"}


def test_tags_metadata_and_a_new_name_are_of_both(trail: Trail) -> None:
    with trailmark.trace("turn", tags=["one"], metadata={"a": 1}) as trace:
        trace.update(name="better", tags=["two"], metadata={"b": 2})

    for found in (trail.traces[0], trail.span("better")):
        assert (found["name"], found["tags"], found["metadata"]) == ("better", ["one", "two"], {"a": 1, "b": 2})


def test_the_scores_of_a_span_are_the_spans(trail: Trail) -> None:
    with trailmark.trace("turn"):
        trailmark.update_current_span(scores={"of root": 1})
        with trailmark.span("step", scores={"early": 1}) as step:
            step.update(scores={"late": 2})
            step.score("last", 3)

    assert [s["name"] for s in trail.span("turn")["scores"]] == ["of root"]
    assert [s["name"] for s in trail.span("step")["scores"]] == ["early", "late", "last"]
    assert "scores" not in trail.traces[0]


def test_the_id_of_a_trace_is_the_traces_wherever_it_is_asked(trail: Trail) -> None:
    with trailmark.trace("turn") as trace, trailmark.span("step"):
        now = trailmark.context.get_current_trace()
    assert now is not None
    assert trace.id == trace.trace_id == now.id == now.trace_id == trail.span("turn")["trace_id"]
    assert trace.id != trail.span("turn")["id"]


def test_an_update_with_one_bad_field_changes_nothing(trail: Trail) -> None:
    good = {"name": "other", "type": "llm", "tags": ["new"], "scores": {"a": 1}, "model": "m", "metadata": {"b": 1}}
    with trailmark.trace("turn"), trailmark.span("step"):
        span = trailmark.context.get_current_span()
        assert span is not None
        for bad in ({"usage": {"input": -1}}, {"total_cost": -1}, {"scores": [{"name": 1}]}, {"attachments": 7}):
            with pytest.raises((TypeError, ValueError)):  # as under this fixture faults do
                span.update(**{**good, **bad})
    assert trail.span("step").keys().isdisjoint({"tags", "scores", "model", "metadata", "usage", "total_cost"})
    assert trail.tree() == "turn (general) ok\n  step (general) ok"


def test_switched_off_a_block_takes_everything_and_records_nothing(trail: Trail) -> None:
    trailmark.set_tracing_active(False)
    with trailmark.trace("turn", scores={"a": 1}) as trace:
        trace.update(scores={"b": 1})
        trace.score("c", 1)

    assert (trace.id, trace.trace_id, trail.records) == (None, None, [])


def test_a_name_that_is_no_text_is_written_as_one(trail: Trail) -> None:
    with trailmark.trace(404), trailmark.span(None):  # type: ignore[arg-type]
        pass

    assert trail.tree() == "404 (general) ok\n  None (general) ok"


def test_a_block_that_is_open_may_be_opened_again_here_and_in_other_threads(trail: Trail) -> None:
    shared = trailmark.span("shared")
    both = threading.Barrier(2, timeout=10)

    def work(number: int) -> None:
        with shared as block:
            both.wait()
            block.update(output=number)
            both.wait()

    with shared as outer:
        with shared as inner:
            inner.update(output="inner")
        outer.update(output="outer")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))

    assert trailmark.context.get_current_span() is None
    assert [(span["output"], span["status"], span["parent_id"] is None) for span in trail.spans[:2]] == [
        ("outer", "ok", True), ("inner", "ok", False),
    ]  # fmt: skip
    assert {(span["output"], span["status"], span["parent_id"]) for span in trail.spans[2:]} == {
        (0, "ok", None), (1, "ok", None),
    }  # fmt: skip
