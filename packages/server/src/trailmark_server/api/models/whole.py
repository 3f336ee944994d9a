"""One trace, span or thread."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from trailmark_server.api.models.shared import Attachment, ErrorInfo, GivenScore, Json, Status, Totals

__all__ = [
    "CompareRow",
    "Compared",
    "Deleted",
    "Figures",
    "Found",
    "Message",
    "Part",
    "Skeleton",
    "SkeletonColumns",
    "SpanColumns",
    "SpanDetail",
    "SpanFigures",
    "Thread",
    "Trace",
    "TraceDetail",
    "Turn",
]


class Part(BaseModel):
    """Of a message. `blob`: the hash for `/blobs/{sha}`; `url`: where it is elsewhere, never fetched."""

    type: Literal["text", "image", "audio", "file", "tool_call", "tool_result", "reasoning", "refusal"]
    text: str | None = None
    blob: str | None = None
    data: str | None = None
    url: str | None = None
    mime: str | None = None
    id: str | None = None
    name: str | None = None
    args: Json = None
    is_error: bool | None = None


class Message(BaseModel):
    """`side`: whether it was sent or received."""

    role: str
    parts: list[Part]
    side: Literal["input", "output"]


class Trace(BaseModel):
    id: str
    project: str
    name: str
    status: Status
    start_us: int
    end_us: int | None
    dur_us: int
    thread: str | None
    user: str | None
    environment: str | None
    tags: list[str]
    metadata: Json
    input: Json
    output: Json
    error: ErrorInfo | None
    scores: list[GivenScore]
    attachments: list[Attachment]
    tin: int
    tout: int
    cost: float | None
    spans: int
    errors: int
    truncated: dict[str, int]
    messages: list[Message] | None


class SpanColumns(BaseModel):
    """A row per span in order of start. `parent`: row in the whole trace, -1 for none. `flags`: 1 its parent is not
    known, 2 its parent was cut, because the parents went in a circle. `scores`: how many."""

    id: list[str]
    parent: list[int]
    name: list[str]
    type: list[str]
    start_us: list[int]
    dur_us: list[int]
    status: list[Status]
    model: list[str | None]
    tin: list[int | None]
    tout: list[int | None]
    tcached: list[int | None]
    cost: list[float | None]
    ttft_us: list[int | None]
    scores: list[int]
    flags: list[int]


class TraceDetail(BaseModel):
    """`next`: the `after` of the following page of spans. `unchanged`: nothing is newer than `since`, no spans sent."""

    v: Literal[1]
    trace: Trace
    cols: SpanColumns
    total: int
    next: int | None
    seq: int
    unchanged: bool


class SkeletonColumns(BaseModel):
    """A row per span in order of start. `ids`: of each the last `digits` digits of its id, one after the other.
    `up`: how many rows above it its parent is (below it: negative), 0 for none. `step_us`: the start, as a difference
    to the row before; that of the first row is the start itself. The rest as in `SpanColumns`."""

    digits: int
    ids: str
    up: list[int]
    name: list[str]
    type: list[str]
    step_us: list[int]
    dur_us: list[int]
    status: list[Status]
    scores: list[int]
    flags: list[int]


class SpanFigures(BaseModel):
    """As in `SpanColumns`."""

    model: list[str | None]
    tin: list[int | None]
    tout: list[int | None]
    cost: list[float | None]
    ttft_us: list[int | None]


class Skeleton(BaseModel):
    """`next`, `unchanged`: as in `TraceDetail`. `figures`: where they were not left out."""

    v: Literal[1]
    trace: Trace
    cols: SkeletonColumns
    figures: SpanFigures | None
    total: int
    next: int | None
    seq: int
    unchanged: bool


class Figures(BaseModel):
    """`seq`: of the trace they are from."""

    seq: int
    figures: SpanFigures


class SpanDetail(BaseModel):
    """`truncated`: size in bytes of what was cut; a cut field is the beginning of its JSON as a string."""

    id: str
    trace_id: str
    parent_id: str | None
    project: str
    name: str
    type: str
    status: Status
    start_us: int
    end_us: int | None
    dur_us: int
    first_token_us: int | None
    model: str | None
    provider: str | None
    usage: dict[str, int] | None
    usage_raw: Json
    cost: float | None
    input: Json
    output: Json
    metadata: Json
    tags: list[str]
    error: ErrorInfo | None
    scores: list[GivenScore]
    attachments: list[Attachment]
    truncated: dict[str, int]
    messages: list[Message] | None
    params: dict[str, Json] | None


class Found(BaseModel):
    """Rows of the trace's skeleton."""

    rows: list[int]
    truncated: bool


class Turn(BaseModel):
    trace_id: str
    name: str
    status: Status
    start_us: int
    dur_us: int
    input: Json
    output: Json
    error: ErrorInfo | None
    tin: int
    tout: int
    cost: float | None
    errors: int
    scores: list[GivenScore]
    truncated: dict[str, int]


class Thread(BaseModel):
    id: str
    project: str
    turns: list[Turn]
    scores: list[GivenScore]
    total: int
    next: int | None


class CompareRow(BaseModel):
    """`a`, `b`: rows of the skeletons. `changed`: what differs in a pair."""

    a: int | None
    b: int | None
    parent: int
    state: Literal["same", "changed", "only_a", "only_b"]
    changed: list[str]


class Compared(BaseModel):
    """`rows`: one merged tree, parents before children; `parent` is a row of this list."""

    rows: list[CompareRow]
    totals: dict[Literal["a", "b"], Totals]


class Deleted(BaseModel):
    deleted: bool
