"""Gives every field every wrong value, inside traced code: prints `done` when nothing of it was noticed."""

from __future__ import annotations

import decimal
import uuid
from typing import Any

import trailmark
from trailmark import context


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


VALUES: list[Any] = [
    None, True, 0, 1.5, -1, float("nan"), float("inf"), 10**5000, "x", "\ud800", " ", "x" * 20_000, b"x", [1], {1: 2},
    Hostile(), len, uuid.uuid4(), decimal.Decimal("1.5"), ValueError("e"),
]  # fmt: skip
FIELDS = [
    "name", "type", "input", "output", "metadata", "tags", "scores", "feedback_scores", "model", "provider", "usage",
    "usage_raw", "total_cost", "attachments", "thread_id", "user_id", "environment", "project_name", "parent",
    "by_hand", "claimable", "trace_fields", "colour", "self",
]  # fmt: skip
OPENERS: list[Any] = [trailmark.span, trailmark.trace]


@trailmark.track
def work(field: str, value: Any) -> str:
    given = {"name": value} if field == "name" else {"name": "block", field: value}
    for opened in OPENERS:
        with opened(**given) as block:
            block.update(**{field: value} if field != "self" else {})
            block.score(value, value)
            trailmark.update_current_span({field: value})
            trailmark.update_current_trace({field: value})
    for call in (trailmark.update_current_span, trailmark.update_current_trace, context.get_trace_url):
        call(value)
    with context.attach(value):
        return "done"


for field in FIELDS:
    good: dict[str, Any] = {"name": "beside", "tags": ["kept"], "metadata": {"kept": 1}}
    for opened in OPENERS:
        with opened(**good | {field: Hostile()}) as block:
            block.update(output="beside")
    for value in VALUES:
        assert work(field, value) == "done"
print("done")
