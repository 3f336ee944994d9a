"""One trace across services: W3C trace context in and out, Opik's headers in; a bad header is as good as none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trailmark
from trailmark import context

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACE_ID = "0af76519-16cd-43dd-8448-eb211c80319c"
PARENT = "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{PARENT}-01"
OURS = "018f3c5e-7b1a-7c3d-9e2f-b7ad6b716920"


@trailmark.track
def work() -> None:
    """A span."""


def continued(headers: Any, trail: Any) -> dict[str, Any]:
    with context.attach(headers):
        work()
    return trail.span("work")


def test_headers_carry_the_trace_to_another_service(trail: Any) -> None:
    with trailmark.trace("outer"), trailmark.span("caller") as caller:
        headers = context.distributed_headers()
    assert caller.id and caller.trace_id
    assert headers["traceparent"] == f"00-{caller.trace_id.replace('-', '')}-{caller.id.replace('-', '')[16:]}-01"
    span = continued(headers, trail)
    assert (span["trace_id"], span["parent_id"]) == (caller.trace_id, caller.id)
    assert "trace" not in span


def test_outside_a_span_there_are_no_headers_and_nothing_to_attach(trail: Any) -> None:
    assert context.distributed_headers() == {}
    assert continued({}, trail)["parent_id"] is None


def test_a_foreign_trace_keeps_its_id_and_begins_here(trail: Any) -> None:
    span = continued({"traceparent": GOOD}, trail)
    assert (span["trace_id"], span["parent_id"]) == (TRACE_ID, None)
    assert "trace" in span


def test_state_of_other_vendors_is_passed_on_behind_ours(trail: Any) -> None:
    headers = {"traceparent": GOOD, "tracestate": "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"}
    with context.attach(headers), trailmark.span("inside") as inside:
        state = context.distributed_headers()["tracestate"]
    assert state == f"trailmark={inside.id},congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"


def test_the_thirty_third_member_falls_out(trail: Any) -> None:
    members = [f"k{n}=v" for n in range(32)]
    with context.attach({"traceparent": GOOD, "tracestate": ",".join(members)}), trailmark.span("inside"):
        sent = context.distributed_headers()["tracestate"].split(",")
    assert len(sent) == 32
    assert sent[1:] == members[:31]


BAD_PARENTS = [
    "",
    "00",
    GOOD.upper(),
    f"ff-{TRACE}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE[:-1]}-{PARENT}-01",
    f"00-{TRACE}0-{PARENT}-01",
    f"00-{TRACE}-{PARENT[:-1]}-01",
    f"00-{TRACE}-{PARENT}0-01",
    f"00-{TRACE}-{PARENT}-1",
    f"00-{TRACE}-{PARENT}-011",
    f"00-{TRACE}-{PARENT}-0g",
    f"0-{TRACE}-{PARENT}-01",
    f"000-{TRACE}-{PARENT}-01",
    f"0g-{TRACE}-{PARENT}-01",
    f"00-{TRACE[:-1]}.-{PARENT}-01",
    f"00-{TRACE}-{PARENT[:-1]}.-01",
    f"{GOOD}-what-the-future-will-be-like",
    f"{GOOD}-",
    f"{GOOD}.",
    f"00_{TRACE}_{PARENT}_01",
    f"{GOOD},{GOOD}",
    f"00-{TRACE}-{PARENT}-٠١",
    "x" * 100_000,
]


@pytest.mark.parametrize("value", BAD_PARENTS)
def test_a_bad_traceparent_is_ignored_with_its_state(value: str, trail: Any) -> None:
    span = continued({"traceparent": value, "tracestate": f"trailmark={OURS}"}, trail)
    assert span["trace_id"] != TRACE_ID
    assert span["parent_id"] is None


@pytest.mark.parametrize(
    "value",
    [
        GOOD,
        f" {GOOD}\t",
        f"00-{TRACE}-{PARENT}-00",
        f"00-{TRACE}-{PARENT}-ff",
        f"cc-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
    ],
)
def test_a_good_traceparent_is_continued(value: str, trail: Any) -> None:
    assert continued({"traceparent": value}, trail)["trace_id"] == TRACE_ID


@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT", b"traceparent"])
@pytest.mark.parametrize("form", [dict, list])
def test_names_in_any_case_and_headers_in_any_form(name: Any, form: Any, trail: Any) -> None:
    value = GOOD.encode() if isinstance(name, bytes) else GOOD
    assert continued(form([(name, value)]), trail)["trace_id"] == TRACE_ID


def test_two_traceparents_are_none(trail: Any) -> None:
    headers = [("traceparent", GOOD), ("traceparent", GOOD.replace("0af7", "0bf7"))]
    assert continued(headers, trail)["parent_id"] is None
    assert trail.span("work")["trace_id"] != TRACE_ID


@pytest.mark.parametrize(
    "state",
    [
        f"trailmark={OURS}",
        f"foo=1,trailmark={OURS}",
        f"foo=1 ,\t trailmark={OURS} , bar=2",
        f",,trailmark={OURS},",
        f"tenant@vendor=1,trailmark={OURS}",
        f"{'a' * 256}=1,trailmark={OURS}",
        f"{'t' * 241}@{'v' * 14}=1,trailmark={OURS}",
        f"a={'v' * 256},trailmark={OURS}",
    ],
)
def test_our_member_names_the_parent(state: str, trail: Any) -> None:
    assert continued({"traceparent": GOOD, "tracestate": state}, trail)["parent_id"] == OURS


@pytest.mark.parametrize(
    "state",
    [
        f"foo=1,foo=2,trailmark={OURS}",
        f"foo,trailmark={OURS}",
        f"foo =1,trailmark={OURS}",
        f"FOO=1,trailmark={OURS}",
        f"foo.bar=1,trailmark={OURS}",
        f"{'a' * 257}=1,trailmark={OURS}",
        f"foo@=1,trailmark={OURS}",
        f"@foo=1,trailmark={OURS}",
        f"foo@@bar=1,trailmark={OURS}",
        f"{'t' * 242}@v=1,trailmark={OURS}",
        f"foo@{'v' * 15}=1,trailmark={OURS}",
        f"a={'v' * 257},trailmark={OURS}",
        f"foo=bar=baz,trailmark={OURS}",
        f"trailmark={OURS}," + ",".join(f"k{n}=1" for n in range(32)),
        "trailmark=no-uuid",
        "",
    ],
)
def test_a_bad_state_is_dropped_and_the_trace_goes_on(state: str, trail: Any) -> None:
    span = continued({"traceparent": GOOD, "tracestate": state}, trail)
    assert (span["trace_id"], span["parent_id"]) == (TRACE_ID, None)


def test_several_tracestate_headers_are_one(trail: Any) -> None:
    headers = [("traceparent", GOOD), ("tracestate", "foo=1"), ("tracestate", f"trailmark={OURS}")]
    assert continued(headers, trail)["parent_id"] == OURS


@pytest.mark.parametrize("dash", ["_", "-"])
def test_opiks_headers_are_continued(dash: str, trail: Any) -> None:
    headers = {f"opik{dash}trace{dash}id": TRACE_ID, f"opik{dash}parent{dash}span{dash}id": OURS}
    span = continued(headers, trail)
    assert (span["trace_id"], span["parent_id"]) == (TRACE_ID, OURS)


def test_what_comes_after_the_block_is_a_trace_of_its_own(trail: Any) -> None:
    with trailmark.trace("around"):
        with context.attach({"traceparent": GOOD}):
            work()
        with trailmark.span("after"):
            """Inside `around` again."""
    assert trail.span("work")["trace_id"] == TRACE_ID
    assert trail.span("after")["parent_id"] == trail.span("around")["id"]


def test_nothing_that_is_attached_raises(home: Path) -> None:
    for headers in (None, 7, [1], [("a",)], {"traceparent": None}, {b"\xff": b"\xff"}):
        with context.attach(headers):  # type: ignore[arg-type]
            work()


def test_two_real_processes_are_one_trace(home: Path, on_disk: Any) -> None:
    program = """
import json, sys, trailmark
@trailmark.track
def served(): return "there"
with trailmark.context.attach(json.loads(sys.argv[1])): served()
"""
    with trailmark.trace("caller"):
        headers = json.dumps(context.distributed_headers())
    env = {**os.environ, "TRAILMARK_HOME": str(home)}
    subprocess.run([sys.executable, "-c", program, headers], env=env, check=True, capture_output=True)
    assert on_disk()["served"]["parent_id"] == on_disk()["caller"]["id"]
    assert on_disk()["served"]["trace_id"] == on_disk()["caller"]["trace_id"]
