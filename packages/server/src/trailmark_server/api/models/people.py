"""What people give: scores, queries, views, settings, actions on many."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from trailmark_server.api.models.shared import GivenScore, Json, Model, Name, ScoreValue
from trailmark_server.ingest.records import MAX_COMMENT

__all__ = [
    "Bulk",
    "BulkDone",
    "Comment",
    "CommentText",
    "FieldInfo",
    "Job",
    "NewComment",
    "NewScore",
    "Parsed",
    "Price",
    "QueryFault",
    "QueryText",
    "Retention",
    "SavedView",
    "Score",
    "ScoreBefore",
    "ScoreDef",
    "Settings",
    "ValueInfo",
    "View",
]

UsagePart = Literal[
    "input", "input_cached", "input_cache_write", "input_audio", "output", "output_reasoning", "output_audio",
]  # fmt: skip


class Score(GivenScore):
    id: str
    trace_id: str | None
    span_id: str | None
    thread_id: str | None
    project: str
    ts_us: int


class NewScore(Model):
    """One of `trace_id`, `span_id`, `thread_id` (with `project`). The same name, source and author again is an edit."""

    trace_id: str | None = None
    span_id: str | None = None
    thread_id: Name | None = None
    project: Name | None = None
    name: Name
    value: bool | Annotated[float, Field(allow_inf_nan=False)] | None = None
    label: Annotated[str, Field(max_length=1000)] | None = None
    reason: Annotated[str, Field(max_length=10_000)] | None = None
    source: Annotated[str, Field(min_length=1, max_length=64)] = "ui"
    author: Annotated[str, Field(max_length=255)] = ""


class ScoreBefore(ScoreValue):
    ts_us: int
    replaced_us: int


class CommentText(Model):
    text: Annotated[str, Field(min_length=1, max_length=MAX_COMMENT)]


class NewComment(CommentText):
    """On one of `trace_id`, `span_id`, `thread_id` (with `project`)."""

    trace_id: str | None = None
    span_id: str | None = None
    thread_id: Name | None = None
    project: Name | None = None
    author: Annotated[str, Field(max_length=255)] = ""


class Comment(BaseModel):
    """`updated_us` is `ts_us` until its text is edited."""

    id: str
    trace_id: str | None
    span_id: str | None
    thread_id: str | None
    project: str
    text: str
    author: str
    ts_us: int
    updated_us: int


class ScoreDef(Model):
    """How a score is given: numeric between `min` and `max`, one of `categories`, yes or no, or a text."""

    name: Name
    type: Literal["numeric", "categorical", "boolean", "text"]
    description: Annotated[str, Field(max_length=2000)] = ""
    min: float | None = None
    max: float | None = None
    categories: Annotated[list[Name], Field(max_length=100, default_factory=list)]


class FieldInfo(BaseModel):
    name: str
    type: str
    n: int | None


class ValueInfo(BaseModel):
    value: str
    n: int


class QueryText(Model):
    q: Annotated[str, Field(max_length=100_000)]


class QueryFault(BaseModel):
    message: str
    start: int
    end: int
    expected: list[str]


class Parsed(BaseModel):
    """`ast`: the tree of conditions, `null` when it is not understood."""

    ok: bool
    ast: Json = None
    error: QueryFault | None = None


class View(Model):
    """A page with its address's parameters, under a name."""

    name: Name
    page: Literal["traces", "spans", "threads", "dashboard", "review"] = "traces"
    project: Name | None = None
    params: dict[str, Annotated[str, Field(max_length=4000)]] = Field(default_factory=dict)


class SavedView(View):
    id: str


class Settings(Model):
    """`retention_days`: older traces are deleted; null keeps them. By project in `retention_days_of`."""

    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    retention_days_of: dict[str, Annotated[int, Field(ge=1, le=36500)] | None] = Field(default_factory=dict)


class Price(Model):
    """USD for a million tokens of each part of a usage; a part without one costs what `input` or `output` does.
    `model` may have `*`; an empty `provider` is any."""

    model: Name
    provider: Annotated[str, Field(max_length=255)] = ""
    parts: dict[UsagePart, Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]]


class Retention(BaseModel):
    """What deleting everything older than `days` would delete now."""

    days: int
    traces: int
    spans: int
    oldest_us: int | None


class Bulk(Model):
    """Traces by `ids`, or all that `q` finds. `expected`: how many the person saw; another number changes nothing."""

    ids: Annotated[list[str], Field(max_length=10_000)] | None = None
    q: str | None = None
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    action: Literal["delete", "tag", "untag", "score"]
    expected: Annotated[int, Field(ge=0)]
    tag: Name | None = None
    score: NewScore | None = None


class BulkDone(BaseModel):
    done: int


class Job(BaseModel):
    """`total` is how many traces it was begun with; what is `done` stays done, also when the server is killed."""

    id: str
    project: str
    action: Literal["delete", "tag", "untag", "score", "drop"]
    query: str
    state: Literal["running", "done", "stopped", "failed"]
    total: int
    done: int
    detail: str
    started_us: int
    ended_us: int | None
