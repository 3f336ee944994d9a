"""The native records, checked. One bad item is named, its neighbours are kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from trailmark_server.ingest.usage import MAX_TOKENS
from trailmark_server.pricing import MAX_COST, Price, priced
from trailmark_server.store import clean

__all__ = ["MAX_COMMENT", "MAX_NAME", "MAX_US", "Rejection", "check"]

MAX_NAME: Final = 10_000
MAX_US: Final = 253_402_300_800_000_000  # the year 10000
Id = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$")]
Micros = Annotated[int, Field(ge=0, lt=MAX_US)]
Tokens = Annotated[int, Field(ge=0, lt=MAX_TOKENS)]
Cost = Annotated[float, Field(ge=0, le=MAX_COST, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
MAX_COMMENT: Final = 100_000
_ABOUT: Final = ("score", "comment")
MAX_FILE = 64 * 1024 * 1024
Status = Literal["running", "ok", "error", "cancelled", "interrupted"]


class _Error(TypedDict):
    type: str
    message: str | None
    traceback: str | None


class _Score(TypedDict, total=False):
    name: Annotated[Name, Field()]
    value: bool | Annotated[float, Field(allow_inf_nan=False)] | None
    label: str | None
    reason: str | None


class _Own(TypedDict, total=False):
    name: str | None
    input: Any
    output: Any
    metadata: Any
    tags: list[str] | None
    thread_id: str | None
    user_id: str | None
    environment: str | None
    scores: list[_Score] | None


class _Required(TypedDict):
    id: Id
    ver: Micros
    project: Name
    name: str
    start_us: Micros
    status: Status


class _Shared(_Required, total=False):
    end_us: Micros | None
    input: Any
    output: Any
    metadata: Any
    tags: list[str] | None
    error: _Error | None
    scores: list[_Score] | None


class _SpanIds(TypedDict):
    k: Literal["span"]
    trace_id: Id
    type: Annotated[str, Field(max_length=64)]


class _Span(_Shared, _SpanIds, total=False):
    parent_id: Id | None
    first_token_us: Micros | None
    model: str | None
    provider: str | None
    usage: dict[str, Tokens] | None
    usage_raw: Any
    total_cost: Cost | None
    trace: _Own | None


class _Trace(_Shared, total=False):
    k: Literal["trace"]
    thread_id: str | None
    user_id: str | None
    environment: str | None


class _ScoreIds(TypedDict):
    k: Literal["score"]
    ver: Micros
    project: Name
    name: Name
    ts_us: Micros


class _ScoreRecord(_ScoreIds, total=False):
    id: str
    trace_id: Id | None
    span_id: Id | None
    thread_id: Name | None
    value: bool | Annotated[float, Field(allow_inf_nan=False)] | None
    label: str | None
    reason: str | None
    source: str | None
    author: str | None


class _Changes(TypedDict, total=False):
    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]  # noqa: RUF012 - pydantic's way for a TypedDict
    name: str
    type: Annotated[str, Field(max_length=64)]
    input: Any
    output: Any
    metadata: dict[str, Any]
    tags: list[str]
    thread_id: str
    user_id: str
    environment: str
    model: str
    provider: str
    usage: dict[str, Tokens]
    usage_raw: Any
    total_cost: Cost
    end_us: Micros
    status: Status
    error: _Error


class _PatchIds(TypedDict):
    k: Literal["patch"]
    id: Id
    ver: Micros
    project: Name
    changes: _Changes


class _Patch(_PatchIds, total=False):
    """Some fields of what was recorded elsewhere; `span_id`, or else `trace_id`, says of what."""

    trace_id: Id | None
    span_id: Id | None


class _FileIds(TypedDict):
    k: Literal["file"]
    id: Id
    ver: Micros
    project: Name
    name: Name
    content_type: Annotated[str, Field(max_length=255)]
    ts_us: Micros
    data: Annotated[str, Field(max_length=MAX_FILE * 4 // 3 + 4)]


class _File(_FileIds, total=False):
    """An attachment of a span or, without `span_id`, of a trace; its content in base64."""

    trace_id: Id | None
    span_id: Id | None
    size: Micros
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _CommentIds(TypedDict):
    k: Literal["comment"]
    id: Id
    ver: Micros
    project: Name
    text: Annotated[str, Field(min_length=1, max_length=MAX_COMMENT)]
    ts_us: Micros


class _Comment(_CommentIds, total=False):
    """What somebody says of a span, a trace or a thread."""

    trace_id: Id | None
    span_id: Id | None
    thread_id: Name | None
    author: Annotated[str, Field(max_length=255)] | None


_RECORD: TypeAdapter[Any] = TypeAdapter(
    Annotated[_Span | _Trace | _ScoreRecord | _Comment | _Patch | _File, Field(discriminator="k")]
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Which item was refused, and for what."""

    index: int
    id: str | None
    field: str
    message: str

    def shown(self) -> dict[str, Any]:
        return asdict(self)


def check(
    items: Sequence[bytes | dict[str, Any]], prices: Sequence[Price] = ()
) -> tuple[list[dict[str, Any]], list[Rejection]]:
    """The good records, priced, and what is wrong with the others. Items are JSON texts or values.

    `prices`: the store's own, before any list's.
    """
    good: list[dict[str, Any]] = []
    bad: list[Rejection] = []
    for index, item in enumerate(items):
        try:
            record = _valid(item)
            kind = record["k"]
            if kind in _ABOUT and not any(record.get(key) for key in ("trace_id", "span_id", "thread_id")):
                needs = f"a {kind} needs a trace_id, span_id or thread_id"
                bad.append(Rejection(index, record.get("id"), "trace_id", needs))
            elif kind == "patch" and not (record.get("trace_id") or record.get("span_id")):
                bad.append(Rejection(index, record["id"], "trace_id", "a patch needs a trace_id or a span_id"))
            elif kind == "file":
                _take_file(index, record, good, bad)
            else:
                good.append(priced(record, prices) if kind == "span" else record)
        except ValidationError as error:
            bad.append(_rejection(index, item, error))
    return good, bad


def _valid(item: bytes | dict[str, Any]) -> dict[str, Any]:
    if isinstance(item, dict):
        record: dict[str, Any] = _RECORD.validate_python(item)
        return record
    try:
        record = _RECORD.validate_json(item)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] != "json_invalid":
            raise
        try:  # half a surrogate, or deep: more than the fast reader takes
            record = _RECORD.validate_python(clean(json.loads(item)))
        except (ValueError, RecursionError):
            raise error from None
    return record


def _take_file(index: int, record: dict[str, Any], good: list[dict[str, Any]], bad: list[Rejection]) -> None:
    """With its content as bytes, if they are what was sent."""
    try:
        data = base64.b64decode(record["data"], validate=True)
    except binascii.Error as error:
        bad.append(Rejection(index, record["id"], "data", f"it is no base64: {error}"))
        return
    if record.get("size", len(data)) != len(data):
        bad.append(Rejection(index, record["id"], "size", f"it is {record['size']}, the data have {len(data)} bytes"))
    elif (told := record.get("sha256")) and told != hashlib.sha256(data).hexdigest():
        bad.append(Rejection(index, record["id"], "sha256", "the data are not those it was made of"))
    elif not (record.get("trace_id") or record.get("span_id")):
        bad.append(Rejection(index, record["id"], "trace_id", "an attachment needs a trace_id or a span_id"))
    else:
        good.append({**record, "data": data})


def _rejection(index: int, item: bytes | dict[str, Any], error: ValidationError) -> Rejection:
    first = error.errors(include_url=False, include_context=False)[0]
    path = ".".join(
        str(part)
        for part in first["loc"]
        if part not in ("span", "trace", "score", "comment", "patch", "file") or part == first["loc"][-1]
    )
    value = first.get("input")
    shown = (
        f"; got {value!r:.80}"
        if isinstance(value, (str, int, float, type(None))) and first["type"] != "missing"
        else ""
    )
    found = item.get("id") if isinstance(item, dict) else None
    return Rejection(index, found[:64] if isinstance(found, str) else None, path or "record", first["msg"] + shown)
