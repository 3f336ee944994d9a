"""What the dashboard draws."""

from __future__ import annotations

from pydantic import BaseModel

__all__ = ["Metrics", "Series", "TopRow", "Unpriced"]


class Series(BaseModel):
    """`v[i]` belongs to `t[i]`; null where there was nothing to measure."""

    metric: str
    key: str
    stat: str
    v: list[float | None]


class Unpriced(BaseModel):
    model: str
    n: int


class Metrics(BaseModel):
    """`partial_last`: the last bucket is not over yet. `exact` false: quantiles are right within 5 %."""

    t: list[int]
    step_ms: int
    series: list[Series]
    partial_last: bool
    unpriced: list[Unpriced]
    exact: bool


class TopRow(BaseModel):
    """`value`: mean microseconds of names, USD of users and models, a count of errors and failed tools."""

    key: str | None
    n: int
    errors: int
    value: float | None
