"""What a span is given often is what the span above it was given: encoded anew, looked at and stored once."""

from __future__ import annotations

import base64
import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest
import trailmark
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trailmark import spool
from trailmark.testing import Trail, record_trail

LONG = "the same words again " * 100
SECRET = "sk-" + "a1B2" * 8
items = st.sampled_from([None, math.nan, 1, 1.5, True, "short", LONG, SECRET, b"bytes", ("a", None)])
values = st.fixed_dictionaries(
    {"text": st.just(LONG), "item": items, "password": items, "list": st.lists(items, max_size=3)}
)


def on_disk(home: Path) -> list[dict[str, Any]]:
    segments = spool.segments(home)
    return [json.loads(data) for s in segments for data in spool.read(s, 1 << 30, from_start=True).records]


def used(segment: spool.Segment) -> int:
    """Bytes that are not zero: how much of the file was written."""
    return len(segment.path.read_bytes().translate(None, b"\0"))


def recorded_alone(trail: Trail, value: Any) -> Any:
    with trailmark.trace("alone", input=value):
        pass
    return trail.spans[-1]["input"]


@given(pair=st.tuples(values, values) | values.map(lambda value: (value, value)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_span_records_its_input_as_if_it_were_alone(trail: Trail, pair: tuple[Any, Any]) -> None:
    above, below = pair
    trail.raw.clear()
    with trailmark.trace("above", input=above), trailmark.span("between"), trailmark.span("below", input=below):
        pass
    below_it = trail.span("below")["input"]

    assert below_it == recorded_alone(trail, below)


@pytest.mark.parametrize("first", [None, math.nan])
def test_a_nan_below_a_none_stays_one(trail: Trail, first: Any) -> None:
    """Both look the same to the encoder."""
    with trailmark.trace("above", input=[LONG, first]), trailmark.span("below", input=[LONG, math.nan]):
        pass

    assert trail.span("below")["input"] == [LONG, "nan"]


def test_what_changed_on_the_way_down_is_recorded_as_it_was_at_each_step(trail: Trail) -> None:
    @trailmark.track
    def below(value: list[str]) -> None:
        value.append("three")

    @trailmark.track
    def above(value: list[str]) -> None:
        value.append("two")
        below(value)

    above([LONG])

    assert trail.span("above")["input"] == {"value": [LONG]}
    assert trail.span("below")["input"] == {"value": [LONG, "two"]}


def test_an_own_redactor_sees_every_input() -> None:
    """What it makes of one value may be the next value."""
    with (
        record_trail(redact=lambda value: value[1:] if isinstance(value, list) else value) as trail,
        trailmark.trace("above", input=["one", "two", LONG]),
        trailmark.span("below", input=["two", LONG]),
    ):
        pass

    assert trail.span("above")["input"] == ["two", LONG]
    assert trail.span("below")["input"] == [LONG]


def test_a_picture_given_on_is_kept_beside_each_span(trail: Trail) -> None:
    picture = [LONG, "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60_000)).decode()]
    with trailmark.trace("above", input=picture), trailmark.span("below", input=picture):
        pass

    assert {record["span_id"] for record in trail.records if record["k"] == "file"} == {
        trail.span("above")["id"],
        trail.span("below")["id"],
    }


def test_a_long_input_is_stored_once_for_a_chain_of_calls(home: Path) -> None:
    @trailmark.track
    def call(value: list[str], depth: int = 6) -> None:
        with trailmark.span("step", input=value):
            if depth:
                call(value, depth - 1)

    trailmark.configure(quiet=True)
    long = [LONG, "x" * 20_000]
    with trailmark.trace("turn", input=long):
        call(long)
    found = on_disk(home)

    assert [record["input"] for record in found if record["name"] in ("turn", "step")] == [long] * 16
    assert sum(len(json.dumps(record)) for record in found) > 30 * 20_000
    assert sum(used(segment) for segment in spool.segments(home)) < 350_000


def test_threads_that_share_an_input_record_it_whole(home: Path) -> None:
    """Each writes to ranges of its own, and all to several files: what stands in none of theirs is written again."""
    trailmark.configure(quiet=True)
    value = ["shared", LONG, "x" * 30_000]

    def work() -> None:
        for n in range(60):
            with trailmark.span("step", input=value), trailmark.span("other", input=[n, "y" * 40_000]):
                pass

    with trailmark.trace("turn", input=value):
        threads = [threading.Thread(target=trailmark.context.copy_to_thread(work)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [record for record in on_disk(home) if record["name"] == "step"]

    assert len(spool.segments(home)) > 1
    assert len(found) == 8 * 60 * 2
    assert all(record["input"] == value for record in found)
