"""Our filter language as Opik's filters, as far as those go: terms that must all hold, each of one field."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from trailmark.errors import QueryError

__all__ = ["opik_filters"]

_TERM: Final = re.compile(r'(-?)([A-Za-z_][\w.-]*)(:|~|>=|<=|>|<)("[^"]*"|[^\s()"]+)(?=\s|$)')
_TEXTS: Final = {
    "name": "name", "model": "model", "provider": "provider", "kind": "type", "type": "type", "thread": "thread_id",
    "session": "thread_id", "env": "environment", "id": "id", "trace": "trace_id",
}  # fmt: skip
_NUMBERS: Final = {
    "duration": "duration", "ttft": "ttft", "cost": "total_estimated_cost", "tokens": "usage.total_tokens",
    "tokens.in": "usage.prompt_tokens", "tokens.out": "usage.completion_tokens", "spans": "span_count",
}  # fmt: skip
_UNITS: Final = {"us": 0.001, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7, "k": 1e3, "M": 1e6, "B": 1e9, "": 1}
_NOT: Final = {"=": "!=", "contains": "not_contains", ">": "<=", "<": ">=", ">=": "<", "<=": ">"}
_ALLOWED: Final = (
    "terms side by side like name:ans* -tag:test status:error duration>2s cost>0.01 model:gpt* thread:chat-7 "
    "start>2026-01-01 metadata.tier:pro score.quality<0.7"
)


def opik_filters(query: str) -> list[dict[str, str]]:
    """The filters; QueryError for what an Opik server cannot be asked."""
    found: list[dict[str, str]] = []
    at = 0
    while at < len(query):
        if query[at].isspace():
            at += 1
            continue
        term = _TERM.match(query, at)
        if term is None:
            raise _unknown(query[at:].split(maxsplit=1)[0], at)
        found += _filters(term[1] == "-", term[2], term[3], term[4].strip('"'), at)
        at = term.end()
    return found


def _filters(negated: bool, name: str, operator: str, value: str, at: int) -> list[dict[str, str]]:
    sign = "=" if operator == ":" else operator
    if name == "status" and value in ("ok", "error"):
        fails = (value == "error") is not negated
        return [_one("error_info", "is_not_empty" if fails else "is_empty", "")]
    if name == "tag" and operator in (":", "~"):
        return [_one("tags", "not_contains" if negated else "contains", value)]
    if name in _TEXTS and operator in (":", "~"):
        return [_text(_TEXTS[name], negated, operator, value)]
    if name.startswith("metadata.") and operator in (":", "~"):
        return [{**_text("metadata", negated, operator, value), "key": name[9:]}]
    if name in _NUMBERS or name.startswith(("score.", "metadata.")):
        field, key = _NUMBERS.get(name, "feedback_scores" if name.startswith("score.") else "metadata"), ""
        if name not in _NUMBERS:
            key = name.partition(".")[2]
        low, between, high = value.partition("..")
        bounds = [(">=", low), ("<=", high)] if between and sign == "=" and not negated else [(sign, value)]
        is_time = name in ("duration", "ttft")
        return [
            {**_one(field, _NOT[op] if negated else op, _number(number, name, at, milliseconds=is_time)), "key": key}
            for op, number in bounds
            if number
        ]
    if name == "start" and sign in (">", ">=", "<", "<="):
        return [_one("start_time", _NOT[sign] if negated else sign, _moment(value, at))]
    raise _unknown(f"{name}{operator}{value}", at)


def _text(field: str, negated: bool, operator: str, value: str) -> dict[str, str]:
    head, tail = value.startswith("*"), value.endswith("*")
    said = "contains" if operator == "~" or (head and tail) else "ends_with" if head else "starts_with" if tail else "="
    if negated and said not in _NOT:
        raise QueryError(
            f"an Opik server cannot be asked for what does not begin or end with {value!r}; it takes {_ALLOWED}"
        )
    return _one(field, _NOT[said] if negated else said, value.strip("*"))


def _number(text: str, name: str, at: int, *, milliseconds: bool) -> str:
    given = re.fullmatch(r"(-?\d+(?:\.\d+)?)(us|ms|s|m|h|d|k|M|B)?", text)
    if given is None:
        raise QueryError(f"{name} is compared with {text!r}, which is no number, at {at}")
    unit = given[2] or ("s" if milliseconds else "")
    return f"{float(given[1]) * _UNITS[unit]:g}"


def _moment(text: str, at: int) -> str:
    ago = re.fullmatch(r"-(\d+)([smhd])", text)
    try:
        when = (
            datetime.now(UTC) - timedelta(milliseconds=int(ago[1]) * _UNITS[ago[2]])
            if ago
            else datetime.fromisoformat(text)
        )
    except ValueError:
        raise QueryError(f"start is compared with {text!r}, which is no time, at {at}") from None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _before(milliseconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(milliseconds=milliseconds)


def _one(field: str, operator: str, value: str) -> dict[str, str]:
    return {"field": field, "operator": operator, "value": value, "key": ""}


def _unknown(term: str, at: int) -> QueryError:
    return QueryError(f"an Opik server cannot be asked for {term!r}, at {at}; it takes {_ALLOWED}")
