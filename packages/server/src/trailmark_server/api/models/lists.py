"""Rows of lists and their pages."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from trailmark_server.api.models.shared import Json, Model, Name, ScoreValue, Status

__all__ = [
    "Count",
    "Histogram",
    "Project",
    "ProjectName",
    "SpanPage",
    "SpanRow",
    "ThreadPage",
    "ThreadRow",
    "TraceDelta",
    "TracePage",
    "TraceRow",
]


class Project(BaseModel):
    name: str
    traces: int
    traces_24h: int
    last_us: int | None
    created_us: int


class ProjectName(Model):
    name: Name


class TraceRow(BaseModel):
    """`dur_us` is -1 while it runs; `in` and `out` have at most 200 characters."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    project: str
    name: str
    status: Status
    start_us: int
    dur_us: int
    spans: int
    errors: int
    tin: int
    tout: int
    cost: float | None
    models: list[str]
    user: str | None
    thread: str | None
    tags: list[str]
    scores: dict[str, ScoreValue]
    in_: str = Field(alias="in")
    out: str
    fields: dict[str, Json] | None = None


class TracePage(BaseModel):
    """`next` is the cursor of the following page; `seq` is where `/traces/delta` goes on."""

    rows: list[TraceRow]
    next: str | None
    seq: int


class TraceDelta(BaseModel):
    """`deleted`: ids that left the store, or that no longer match the query."""

    upserts: list[TraceRow]
    deleted: list[str]
    seq: int
    more: bool


class SpanRow(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    id: str
    trace_id: str
    parent_id: str | None
    name: str
    type: str
    status: Status
    start_us: int
    dur_us: int
    ttft_us: int | None
    model: str | None
    provider: str | None
    tin: int | None
    tout: int | None
    cost: float | None
    error_type: str | None
    tags: list[str]
    scores: dict[str, ScoreValue]
    in_: str = Field(alias="in")
    out: str
    fields: dict[str, Json] | None = None


class SpanPage(BaseModel):
    rows: list[SpanRow]
    next: str | None
    seq: int


class Count(BaseModel):
    estimate: int
    exact: bool


class Histogram(BaseModel):
    """`n[i]` traces began in the `step_ms` from `t0 + i * step_ms`; `err[i]` of them failed."""

    t0: int
    step_ms: int
    n: list[int]
    err: list[int]


class ThreadRow(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    id: str
    start_us: int
    end_us: int
    traces: int
    tin: int
    tout: int
    cost: float | None
    user: str | None
    errors: int
    running: int
    first_trace: str
    last_trace: str
    in_: str = Field(alias="in")
    out: str
    scores: dict[str, ScoreValue]


class ThreadPage(BaseModel):
    rows: list[ThreadRow]
    next: str | None
