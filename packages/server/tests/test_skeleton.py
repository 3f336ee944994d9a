"""The columns a trace's page asks for: exact, in few bytes, and in parts when it wants to show the tree first."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import httpx2
import orjson
from hypothesis import given
from hypothesis import strategies as st
from trailmark_server.api.skeleton import figures, packed

from .conftest import START, new_id, span

FEW = st.sampled_from([None, 0, 1, 900, 10**12])
FIELDS = {
    "id": st.uuids().map(str), "parent": st.integers(-1, 40), "name": st.text(max_size=3), "type": st.just("llm"),
    "start_us": st.integers(0, 2**52), "status": st.sampled_from(["ok", "running"]), "model": st.none() | st.text(max_size=3),
    "tin": FEW, "tout": FEW, "tcached": FEW, "cost": st.none() | st.floats(0, 1e6), "ttft_us": FEW,
    "dur_us": st.integers(-1, 2**50), "scores": st.integers(0, 3), "flags": st.integers(0, 3),
}  # fmt: skip


def opened(found: dict[str, Any], after: int) -> dict[str, Any]:
    """As `packed` is documented to be read."""
    digits, ids = found["digits"], found["ids"]
    return {
        **{name: found[name] for name in ("name", "type", "dur_us", "status", "scores", "flags")},
        "id": [ids[at : at + digits] for at in range(0, len(ids), digits)],
        "parent": [row - up if up else -1 for row, up in enumerate(found["up"], after)],
        "start_us": list(accumulate(found["step_us"])),
    }


@given(rows=st.lists(st.fixed_dictionaries(FIELDS), max_size=8), after=st.integers(0, 40), digits=st.integers(7, 32))
def test_what_is_packed_is_read_back_to_the_last_digit(rows: list[dict[str, Any]], after: int, digits: int) -> None:
    for at, row in enumerate(rows, after):
        row["parent"] = -1 if row["parent"] == at else row["parent"]  # no span is its own parent
    cols = _columns(rows)
    sent = orjson.loads(orjson.dumps({"cols": packed(cols, after=after, digits=digits), "figures": figures(cols)}))
    read = {**opened(sent["cols"], after), **sent["figures"]}

    shown = {name: values for name, values in cols.items() if name not in ("id", "tcached")}
    assert read == {**shown, "id": [id.replace("-", "")[-digits:] for id in cols["id"]]}


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in FIELDS}


def test_ten_thousand_model_calls_open_within_their_bytes() -> None:
    """None of them repeats what another has: the most that so many spans can weigh."""
    cols = _columns(_model_calls(10_000, random.Random(8)))
    tree, beside = packed(cols, after=0, digits=7), figures(cols)

    assert len(gzip.compress(orjson.dumps(tree), 5)) < 130_000
    assert len(gzip.compress(orjson.dumps(beside), 5)) < 130_000


def _model_calls(count: int, rng: random.Random) -> list[dict[str, Any]]:
    rows, at = [], START
    for row in range(count):
        at += rng.randint(10, 4000) if rng.random() < 0.5 else rng.randint(600_000, 6_000_000)
        tin, tout, took = rng.randint(900, 7000), rng.randint(60, 900), rng.randint(600_000, 6_000_000)
        rows.append({
            "id": f"{rng.getrandbits(128):032x}", "parent": -1 if not row else row - rng.randint(1, min(row, 9)),
            "name": rng.choice(("planner.chat", "summarise.chat", "judge.chat")), "type": "llm", "start_us": at,
            "dur_us": took, "status": "ok", "model": rng.choice(("gpt-5.2-mini", "claude-sonnet-5", "gemini-3-flash")),
            "tin": tin, "tout": tout, "tcached": rng.randint(0, 900), "cost": round(tin * 1.5e-7 + tout * 6e-7, 10),
            "ttft_us": took // rng.randint(3, 9), "scores": 0, "flags": 0,
        })  # fmt: skip
    return rows


def test_a_trace_comes_as_a_tree_first_and_its_figures_after(
    http: httpx2.Client, ingest: Callable[..., httpx2.Response]
) -> None:
    trace_id = new_id()
    spans = [span(trace_id=trace_id, name=f"s{n}", start_us=START + n, usage={"input": n}) for n in range(4)]
    spans[3]["parent_id"] = spans[0]["id"]
    ingest(*spans)
    url = f"/api/v1/traces/{trace_id}"
    whole = http.get(f"{url}/skeleton").json()
    tree = http.get(f"{url}/skeleton", params={"figures_up_to": 3}).json()
    beside = http.get(f"{url}/figures").json()

    assert (tree["figures"], {**tree, "figures": beside["figures"]}) == (None, whole)
    assert (beside["seq"], beside["figures"]["tin"]) == (tree["seq"], [0, 1, 2, 3])
    assert (whole["cols"]["up"], whole["cols"]["step_us"]) == ([0, 0, 0, 3], [START, 1, 1, 1])
    second = http.get(f"{url}/skeleton", params={"after": 2, "limit": 2}).json()["cols"]
    assert (second["up"], second["step_us"]) == ([0, 3], [START + 2, 1])
    plain = http.get(url).json()["cols"]
    assert plain["parent"] == opened(whole["cols"], 0)["parent"]
    same = http.get(f"{url}/skeleton", params={"since": whole["seq"]}).json()
    assert (same["unchanged"], same["cols"]["ids"]) == (True, "")


def test_an_ending_of_an_id_names_its_span(http: httpx2.Client, ingest: Callable[..., httpx2.Response]) -> None:
    trace_id, alike = new_id(), new_id()
    twin = f"{alike[:18]}-{'9' if alike[19] != '9' else '8'}{alike[20:]}"  # the last 15 digits are the same
    spans = [
        span(trace_id=trace_id, id=id, name=id, start_us=START + n) for n, id in enumerate((alike, twin, new_id()))
    ]
    ingest(*spans)
    url = f"/api/v1/traces/{trace_id}"
    cols = http.get(f"{url}/skeleton").json()["cols"]
    assert cols["digits"] == 16
    assert [http.get(f"{url}/spans/{id}").json()["id"] for id in opened(cols, 0)["id"]] == [one["id"] for one in spans]
    for wrong in (alike[-7:], "0000000", "zzzzzzz", "0", new_id()):
        assert http.get(f"{url}/spans/{wrong}").status_code == 404
