"""Opik's and OpenTelemetry's routes, fed with whatever: refused or taken, never an error of the server's own."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import new_id
from .otlp import OPENINFERENCE, PROTOBUF, SPELLINGS, any_value, request, span
from .test_bad_input import FIELDS, P

pytestmark = pytest.mark.slow
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(), max_size=20)
LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just("2026-01-01T00:00:00Z") | st.builds(new_id)
)
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
USAGE = st.dictionaries(
    st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens"]) | TEXT, VALUE, max_size=4
)
ERROR = st.fixed_dictionaries({}, optional={"exception_type": VALUE, "message": VALUE, "traceback": VALUE})
FILTER = st.fixed_dictionaries({
    "field": st.sampled_from(["name", "tags", "metadata", "usage.total_tokens", "duration", "start_time"]) | TEXT,
    "operator": st.sampled_from(["=", "!=", ">", "contains", "is_empty", "in"]) | TEXT, "value": VALUE, "key": VALUE,
})  # fmt: skip


def items(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that are nearly right."""
    right = {"id": st.builds(new_id), "trace_id": st.builds(new_id), "start_time": st.just("2026-01-01T00:00:00Z")}
    odd = dict.fromkeys(FIELDS[kind], VALUE) | {"usage": USAGE, "error_info": ERROR}
    whole = st.fixed_dictionaries(right, optional={field: odd[field] for field in odd if field not in right})
    return whole | st.fixed_dictionaries({}, optional=odd)


def send(http: httpx2.Client, method: str, route: str, body: Any) -> None:
    answer = http.request(
        method, f"{P}/{route}", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code < 500, (route, answer.text)


@FUZZ
@given(traces=st.lists(items("traces"), max_size=5), spans=st.lists(items("spans"), max_size=5), update=items("spans"))
def test_opiks_writes(http: httpx2.Client, traces: list[Any], spans: list[Any], update: dict[str, Any]) -> None:
    send(http, "POST", "traces/batch", {"traces": traces})
    send(http, "POST", "spans/batch", {"spans": spans})
    for one in [*traces, *spans]:
        for kind in ("traces", "spans"):
            id = one.get("id")
            named = quote(id.encode(errors="replace"), safe="") if isinstance(id, str) else new_id()
            send(http, "PATCH", f"{kind}/{named}", update)
    for kind in ("traces", "spans", "traces/threads"):
        send(http, "POST", f"{kind}/search", {"project_name": "Default Project", "limit": 2000})


@FUZZ
@given(body=st.fixed_dictionaries({"scores": st.lists(st.fixed_dictionaries(
    {"id": st.builds(new_id) | VALUE, "name": TEXT | VALUE, "value": st.floats() | VALUE},
    optional={"reason": VALUE, "category_name": VALUE, "source": VALUE, "project_name": VALUE, "thread_id": VALUE},
))}) | VALUE)  # fmt: skip
def test_opiks_scores(http: httpx2.Client, body: Any) -> None:
    for route in ("traces/feedback-scores", "spans/feedback-scores", "traces/threads/feedback-scores"):
        send(http, "PUT", route, body)


@FUZZ
@given(
    guardrail=st.fixed_dictionaries(
        {"secondary_id": st.builds(new_id) | VALUE, "name": TEXT | VALUE, "result": st.just("passed") | VALUE},
        optional={"entity_id": VALUE, "config": VALUE, "details": VALUE, "project_name": VALUE},
    ) | VALUE,
    environment=st.dictionaries(st.sampled_from(["id", "name", "description", "color", "position"]), VALUE, max_size=5),
    tags=st.lists(TEXT) | VALUE,
)  # fmt: skip
def test_opiks_guardrails_environments_and_tags(
    http: httpx2.Client, guardrail: Any, environment: Any, tags: Any
) -> None:
    send(http, "POST", "guardrails", {"guardrails": [guardrail]})
    send(http, "POST", "environments", environment)
    send(http, "PATCH", f"environments/{new_id()}", environment)
    send(http, "POST", "environments/delete", {"ids": tags})
    send(http, "PATCH", f"traces/{new_id()}", {"tags_to_add": tags, "tags_to_remove": tags})
    send(http, "GET", "environments", {})


@FUZZ
@given(
    filters=st.lists(FILTER, max_size=3) | VALUE, limit=st.integers(-1, 5000) | VALUE, last=st.builds(new_id) | VALUE
)
def test_opiks_search(http: httpx2.Client, filters: Any, limit: Any, last: Any) -> None:
    send(
        http,
        "POST",
        "traces/batch",
        {"traces": [{"start_time": "2026-01-01T00:00:00Z", "id": new_id(), "tags": ["a"]}]},
    )
    for kind in ("traces", "spans", "traces/threads"):
        body = {"filters": filters, "limit": limit, "last_retrieved_id": last, "last_retrieved_thread_model_id": last}
        send(http, "POST", f"{kind}/search", body)


NAMES = st.sampled_from(
    [*OPENINFERENCE, *(name for attributes, _ in SPELLINGS.values() for name in attributes), "tag.tags", "llm.tools",
     "gen_ai.tool.definitions", "gen_ai.usage", "llm.token_count", "llm.input_messages", "llm.cost.total", "user.id",
     "retrieval.documents.0.document", "opik.trace_id", "opik.span_id", "gen_ai.response.time_to_first_chunk"]
) | TEXT  # fmt: skip
ATTRIBUTE = VALUE.filter(lambda value: fits(value))


def fits(value: Any) -> bool:
    try:
        any_value(value)
    except (ValueError, TypeError):
        return False
    return True


@FUZZ
@given(attributes=st.dictionaries(NAMES, ATTRIBUTE | VALUE.map(json.dumps), max_size=12))
def test_attributes_of_any_name_and_value(http: httpx2.Client, attributes: dict[str, Any]) -> None:
    try:
        body = request(span(attributes)).SerializeToString()
    except (ValueError, UnicodeEncodeError):
        return
    answer = http.post("/v1/traces", content=body, headers=PROTOBUF)
    assert answer.status_code == 200
    assert answer.content == b"", answer.content


@FUZZ
@given(body=st.binary(max_size=200))
def test_bytes_that_are_no_export(http: httpx2.Client, body: bytes) -> None:
    assert http.post("/v1/traces", content=body, headers=PROTOBUF).status_code in (200, 400)


@FUZZ
@given(spans=st.lists(VALUE | st.dictionaries(st.sampled_from(
    ["traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "attributes", "events", "links", "status"]
), VALUE), max_size=4), outer=VALUE)  # fmt: skip
def test_json_that_is_nearly_an_export(http: httpx2.Client, spans: list[Any], outer: Any) -> None:
    for group in ({"scopeSpans": [{"spans": spans, "scope": outer}]}, {"resource": outer, "scopeSpans": outer}, outer):
        body = json.dumps({"resourceSpans": [group]})
        answer = http.post("/v1/traces", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (200, 400), answer.text
