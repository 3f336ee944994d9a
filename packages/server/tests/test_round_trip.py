"""What trailmark's exporter to Opik sends is read back from our Opik routes as it was recorded."""

from __future__ import annotations

import random
from typing import Any

import httpx2
import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trailmark.exporters.opik import OpikExporter
from trailmark.model import SPAN_TYPES
from trailmark_server.pricing import PARTS
from trailmark_server.store import Store

from .conftest import START, new_id

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)
FIELDS = st.dictionaries(TEXT, JSON, min_size=1, max_size=3)
TAGS = st.lists(TEXT.filter(bool), min_size=1, max_size=3, unique=True)
SCORES = st.lists(
    st.fixed_dictionaries({"name": TEXT.filter(bool), "value": st.floats(-1e6, 1e6), "label": st.none() | TEXT.filter(bool),
                           "reason": st.none() | TEXT.filter(bool)}),
    min_size=1, max_size=3, unique_by=lambda score: score["name"],
)  # fmt: skip
ERROR = st.fixed_dictionaries({"type": TEXT.filter(bool), "message": TEXT, "traceback": TEXT.filter(bool)})
USAGE = st.dictionaries(st.sampled_from(PARTS), st.integers(1, 10**9), min_size=1)
PAYLOADS = {"input": FIELDS, "output": FIELDS, "metadata": FIELDS, "tags": TAGS, "scores": SCORES}
SPAN = st.fixed_dictionaries(
    {"name": TEXT.filter(bool), "type": st.sampled_from(SPAN_TYPES), "dur": st.integers(0, 10**9)},
    optional={**PAYLOADS, "error": ERROR, "model": TEXT.filter(bool), "provider": TEXT.filter(bool), "usage": USAGE,
              "total_cost": st.floats(0, 1e6)},
)  # fmt: skip
OWN = st.fixed_dictionaries(
    {},
    optional={**PAYLOADS, "name": TEXT.filter(bool), "thread_id": TEXT.filter(bool), "environment": TEXT.filter(bool)},
)


@st.composite
def traces(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The records of one trace, root first."""
    trace_id, ids = new_id(), [new_id() for _ in range(draw(st.integers(1, 4)))]
    records = []
    for n, id in enumerate(ids):
        given_fields = draw(SPAN)
        start, end = START + n, START + n + given_fields.pop("dur")
        parent = None if n == 0 else draw(st.sampled_from(ids[:n]))
        record = {"k": "span", "id": id, "ver": 2, "trace_id": trace_id, "parent_id": parent, "project": "round trip",
                  "start_us": start, "end_us": end, "status": "error" if "error" in given_fields else "ok",
                  **given_fields}  # fmt: skip
        records.append({**record, "trace": draw(OWN)} if n == 0 else record)
    return records


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=traces(), seed=st.integers(0, 1000))
def test_what_is_recorded_is_read_back(
    http: httpx2.Client, store: Store, records: list[dict[str, Any]], seed: int
) -> None:
    parts = [orjson.dumps(record) for record in records]
    random.Random(seed).shuffle(parts)
    exporter = OpikExporter(http, f"{str(http.base_url).rstrip('/')}/api")
    for part in (*parts, parts[0]):  # a batch each, in any order, one twice
        exporter.export([part])
    with store.read() as reader:
        found = reader.trace(records[0]["trace_id"])["trace"]
        spans = {record["id"]: reader.span(record["trace_id"], record["id"]) for record in records}
    for record in records:
        assert shown(spans[record["id"]]) == wanted(record)
    root, own = records[0], records[0]["trace"]
    for key in ("name", "input", "output"):
        assert found[key] == own.get(key, root.get(key)), key
    assert (found["thread"], found["environment"]) == (own.get("thread_id"), own.get("environment"))
    assert found["status"] == root["status"]
    assert scores(found["scores"]) == scores(own.get("scores") or [])


KEYS = ("trace_id", "parent_id", "project", "name", "type", "start_us", "end_us", "status", "input", "output", "metadata",
        "model", "provider", "usage", "error")  # fmt: skip


def shown(span: dict[str, Any]) -> dict[str, Any]:
    return {key: span[key] for key in KEYS} | {"tags": span["tags"], "scores": scores(span["scores"])}


def wanted(record: dict[str, Any]) -> dict[str, Any]:
    found = {key: record.get(key) for key in KEYS}
    return found | {"tags": record.get("tags") or [], "scores": scores(record.get("scores") or [])}


def scores(given_scores: list[dict[str, Any]]) -> dict[str, Any]:
    return {score["name"]: (float(score["value"]), score["label"], score["reason"]) for score in given_scores}
