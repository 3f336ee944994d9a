"""What other models are made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Attachment",
    "ErrorInfo",
    "GivenScore",
    "Json",
    "Model",
    "Name",
    "Problem",
    "ScoreValue",
    "Status",
    "Totals",
]

Status = Literal["running", "ok", "error", "cancelled", "interrupted"]
Json = Any
Name = Annotated[str, Field(min_length=1, max_length=255)]


class Model(BaseModel):
    """Unknown fields of a request are refused by name."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Problem(BaseModel):
    """RFC 9457; `request_id` is in the server's log."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    start: int | None = None
    end: int | None = None
    expected: list[str] | None = None


class ScoreValue(BaseModel):
    value: float | bool | None
    label: str | None
    reason: str | None


class GivenScore(ScoreValue):
    name: str
    source: str
    author: str


class ErrorInfo(BaseModel):
    type: str
    message: str | None = None
    traceback: str | None = None


class Attachment(BaseModel):
    id: str
    span_id: str | None
    name: str
    content_type: str
    size: int
    ts_us: int


class Totals(BaseModel):
    dur_us: int
    spans: int
    errors: int
    tin: int
    tout: int
    cost: float | None
