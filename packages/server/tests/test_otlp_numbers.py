"""Numbers that no field can hold: the span is stored, and what was said stays in its metadata."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from .otlp import START, event, sent

NONE = (-1, -0.5, 1e300, float("nan"), float("inf"), float("-inf"), True, "much", [1], {"usd": 1}, 2**62)
COSTS = (
    ("openinference.span.kind", "llm.cost.total"), ("gen_ai.request.model", "gen_ai.usage.cost"),
    ("gen_ai.request.model", "gen_ai.usage.total_cost"), ("gen_ai.request.model", "operation.cost"),
)  # fmt: skip
COUNTS = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.completion_tokens", "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.reasoning.output_tokens", "llm.token_count.prompt", "llm.token_count.completion_details.reasoning",
)  # fmt: skip


def shown(value: Any) -> Any:
    """As JSON can say it."""
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), value)


@pytest.mark.parametrize(("beside", "name"), COSTS)
def test_a_cost_that_is_none_stays_in_the_metadata(http: httpx2.Client, beside: str, name: str) -> None:
    for value in NONE:
        found = sent(http, {beside: "gpt-4o-mini", name: value})
        assert (found["cost"], found["metadata"][name]) == (None, shown(value))


@pytest.mark.parametrize("name", COUNTS)
def test_a_number_of_tokens_that_is_none_stays_in_the_metadata(http: httpx2.Client, name: str) -> None:
    for value in NONE:
        found = sent(http, {"gen_ai.request.model": "m", name: value})
        assert (found["usage"], found["metadata"][name]) == (None, shown(value))


def test_tokens_beside_a_bad_number_count_and_the_next_spelling_is_asked(http: httpx2.Client) -> None:
    found = sent(http, {
        "gen_ai.usage.input_tokens": -5, "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.output_tokens": float("inf"),
    })  # fmt: skip
    assert found["usage"] == {"input": 7}
    assert found["usage_raw"] == {"input_tokens": -5, "prompt_tokens": 7, "output_tokens": "Infinity"}


@pytest.mark.parametrize("value", [-1.0, float("nan"), 1e300, "soon", True])
def test_a_wait_for_the_first_token_that_is_none_stays_in_the_metadata(http: httpx2.Client, value: Any) -> None:
    name = "gen_ai.response.time_to_first_chunk"
    assert sent(http, {name: value})["metadata"][name] == shown(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "high", [1]])
def test_a_score_that_is_none_stays_in_the_metadata(http: httpx2.Client, value: Any) -> None:
    annotated = {"annotations.0.annotation.name": "a", "annotations.0.annotation.score": value}
    found = sent(http, annotated | {"annotations.1.annotation.name": "b", "annotations.1.annotation.score": -2})
    assert [(score["name"], score["value"]) for score in found["scores"]] == [("b", -2)]
    assert found["metadata"]["annotations"] == [{"annotation": {"name": "a", "score": shown(value)}}]
    body = {"gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": value}
    told = sent(http, {}, events=[event("gen_ai.evaluation.result", body)])
    assert (told["scores"], told["metadata"]["events"][0]["gen_ai.evaluation.score.value"]) == ([], shown(value))


def test_a_label_counts_beside_a_score_that_is_no_number(http: httpx2.Client) -> None:
    body = {
        "gen_ai.evaluation.name": "a", "gen_ai.evaluation.score.value": "high", "gen_ai.evaluation.score.label": "good",
    }  # fmt: skip
    found = sent(http, {}, events=[event("gen_ai.evaluation.result", body)])
    assert [(score["label"], score["value"]) for score in found["scores"]] == [("good", None)]
    assert found["metadata"]["events"][0]["gen_ai.evaluation.score.value"] == "high"


@pytest.mark.parametrize(("start", "end"), [(0, 0), (2**64 - 1, 1), (START, START - 1_000_000_000), (1, 2**64 - 1)])
def test_times_of_any_kind_are_stored(http: httpx2.Client, start: int, end: int) -> None:
    found = sent(http, {}, start_time_unix_nano=start, end_time_unix_nano=end, events=[Span.Event(name="e")])
    assert found["start_us"] == start // 1000


def test_a_name_longer_than_any_field_holds_costs_no_span(http: httpx2.Client) -> None:
    found = sent(http, {"annotations.0.annotation.name": "n" * 20_000, "annotations.0.annotation.score": 1})
    assert (found["scores"], len(found["metadata"]["annotations"])) == ([], 1)
