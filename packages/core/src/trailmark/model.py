"""The vocabulary of a trace: types, statuses, usage parts, scores, and the checks on what users pass. No I/O."""

from __future__ import annotations

import math
import operator
import os
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypedDict, cast, get_args
from uuid import UUID

__all__ = [
    "SPAN_TYPES",
    "UNSET",
    "USAGE_PARTS",
    "Attachment",
    "ErrorInfo",
    "Score",
    "ScoreInput",
    "SpanType",
    "Status",
    "Unset",
    "check_cost",
    "check_flag",
    "check_mapping",
    "check_scores",
    "check_seconds",
    "check_text",
    "check_texts",
    "check_type",
    "check_usage",
    "check_word",
    "shown",
    "written",
]

SpanType = Literal["general", "llm", "tool", "retriever", "embedding", "agent", "chain", "guardrail"]
Status = Literal["running", "ok", "error", "cancelled", "interrupted"]
SPAN_TYPES: Final[tuple[str, ...]] = get_args(SpanType)

# Disjoint: the sum of all parts is the total, so nothing is counted twice.
USAGE_PARTS: Final = (
    "input",
    "input_cached",
    "input_cache_write",
    "input_audio",
    "output",
    "output_reasoning",
    "output_audio",
)


MAX_NAME: Final = 10_000  # characters; what the server takes
MAX_TOKENS: Final = 10**12  # of a span, as above
MAX_COST: Final = 1e12  # of a span in USD, as above
LONGEST_S: Final = 1e9  # what a wait of no end is cut to: clocks do not count further


class Unset:
    """The type of `UNSET`: "not given", where None is a value."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


class ErrorInfo(TypedDict):
    """An exception as recorded: `type` is its qualified name."""

    type: str
    message: str
    traceback: str


class Score(TypedDict):
    """A judgement on a trace, span or thread: a number or boolean, a label, or both."""

    name: str
    value: float | bool | None
    label: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that belongs to a span or trace: `data` is a path, read when it is given, or bytes, which need a `name`.

    `content_type` is guessed from the name unless it is given. At most 16 MB.
    """

    data: str | os.PathLike[str] | bytes
    name: str | None = None
    content_type: str | None = None


ScoreInput: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]


_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 100


def shown(value: object) -> str:
    """A value as an error tells of it: short, whatever it is, also where its own `__repr__` raises."""
    if type(value) is int and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    return _SHORT.repr(value)


def check_type(type: str) -> SpanType:
    """The span type, or ValueError that lists the allowed ones."""
    if type not in SPAN_TYPES:
        raise ValueError(f"type is {shown(type)}; allowed: {', '.join(SPAN_TYPES)}")
    return cast("SpanType", type)


def check_mapping(field: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the mapping, or TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{field} is {shown(value)}; allowed: a mapping of names to values")
    return dict(value)


def check_texts(field: str, value: Iterable[str]) -> list[str]:
    """A list of the texts, or TypeError: also for a text alone, whose letters nobody means."""
    texts = [] if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) else list(value)
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) or not all(isinstance(t, str) for t in texts):
        raise TypeError(f"{field} is {shown(value)}; allowed: a list of texts")
    return list(map(written, texts))


def written(text: str) -> str:
    """The text as UTF-8 can say it: half a surrogate pair is replaced."""
    return text.encode("utf-8", "replace").decode()


def check_text(field: str, value: str) -> str:
    """The text, or TypeError or ValueError when it is none, empty or endless."""
    if not isinstance(value, str):
        raise TypeError(f"{field} is {shown(value)}; allowed: a non-empty text")
    if not value.strip():
        raise ValueError(f"{field} is {shown(value)}; allowed: a non-empty text")
    if len(value) > MAX_NAME:
        raise ValueError(f"{field} is {shown(value)}; allowed: at most {MAX_NAME} characters")
    return written(value)


def check_word(field: str, value: Any) -> str:
    """The text, or that of a whole number or UUID, which ids of users and threads often are; or TypeError."""
    if isinstance(value, str):
        return value
    if isinstance(value, UUID) or (isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 256):
        return str(value)
    raise TypeError(f"{field} is {shown(value)}; allowed: a text")


def check_flag(field: str, value: bool) -> bool:
    """True or False, or TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{field} is {shown(value)}; allowed: True or False")
    return value


def check_seconds(field: str, value: float | None) -> float | None:
    """A time to wait, or TypeError or ValueError; infinity is very long."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{field} is {shown(value)}; allowed: seconds, 0 or more")
    if not value >= 0:
        raise ValueError(f"{field} is {shown(value)}; allowed: seconds, 0 or more")
    return min(value, LONGEST_S)


def check_cost(field: str, value: Any) -> float:
    """An amount in USD, or ValueError."""
    amount = None if isinstance(value, bool) else _number(value)
    if amount is None or not 0 <= amount <= MAX_COST:
        raise ValueError(f"{field} is {shown(value)}; allowed: an amount in USD, 0 or more")
    return float(amount)


def check_usage(usage: Mapping[str, Any]) -> dict[str, int]:
    """A usage partition of whole, non-negative token counts; parts that are None are left out."""
    checked = {}
    if not isinstance(usage, Mapping):
        raise TypeError(f"usage is {shown(usage)}; allowed: a mapping of {', '.join(USAGE_PARTS)} to numbers of tokens")
    for part, count in usage.items():
        if part not in USAGE_PARTS:
            raise ValueError(f"usage part is {shown(part)}; allowed: {', '.join(USAGE_PARTS)}")
        if count is None:
            continue
        if isinstance(count, bool) or not hasattr(type(count), "__index__") or not 0 <= count < MAX_TOKENS:
            raise ValueError(f"usage[{part!r}] is {shown(count)}; allowed: a whole number of tokens, 0 or more")
        checked[part] = operator.index(count)
    return checked


def check_scores(scores: ScoreInput) -> list[Score]:
    """Scores from the short form `{"name": 0.9, "verdict": "good"}` or a list of score mappings."""
    if isinstance(scores, Mapping):
        return [_short_score(name, value) for name, value in scores.items()]
    if isinstance(scores, (str, bytes)) or not isinstance(scores, Sequence):
        raise TypeError(f"scores is {shown(scores)}; allowed: a mapping of name to value, or a list of scores")
    return [_score(score) for score in scores]


def _short_score(name: str, value: object) -> Score:
    if isinstance(value, Mapping):
        return _score({"name": name, **value})
    if isinstance(value, str):
        return _score({"name": name, "label": value})
    return _score({"name": name, "value": value})


def _score(given: Mapping[str, Any]) -> Score:
    if not isinstance(given, Mapping):
        raise TypeError(f"score is {shown(given)}; allowed: a mapping with name, value, label, reason")
    unknown = set(given) - {"name", "value", "label", "reason", "category_name"}
    if unknown:
        raise ValueError(f"score has {', '.join(sorted(map(repr, unknown)))}; allowed: name, value, label, reason")
    name, value, label = given.get("name"), given.get("value"), given.get("label", given.get("category_name"))
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
        raise ValueError(f"score name is {shown(name)}; allowed: a non-empty text of at most {MAX_NAME} characters")
    number = _number(value)
    if value is not None and number is None:
        hint = f"; a text is its label: label={shown(value)}" if isinstance(value, str) else ""
        told = f"score {shown(name)} has value {shown(value)}"
        raise ValueError(f"{told}; allowed: a finite number, a boolean or None{hint}")
    for field, text in (("label", label), ("reason", given.get("reason"))):
        if text is not None and not isinstance(text, str):
            raise ValueError(f"score {shown(name)} has {field} {shown(text)}; allowed: text or None")
    if value is None and label is None:
        raise ValueError(f"score {name!r} has neither value nor label; give at least one")
    texts = {field: text and written(text) for field, text in (("label", label), ("reason", given.get("reason")))}
    return {"name": written(name), "value": number, "label": texts["label"], "reason": texts["reason"]}


def _number(value: Any) -> float | bool | None:
    """The value as JSON can hold it; None when it is no finite number. Those of numpy, Decimal and the like are."""
    kind = type(value)
    if kind.__name__ in ("bool", "bool_"):  # Python's and numpy's, whose second has been called both
        return bool(value)
    if not hasattr(kind, "__float__"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError, RuntimeError):  # too large, or a tensor of several
        return None
    if not math.isfinite(number):
        return None
    return int(value) if isinstance(value, int) and -(2**63) <= value < 2**63 else number
