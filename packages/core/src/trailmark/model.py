"""The vocabulary of a trace: types, statuses, usage parts, scores, and the checks on what users pass. No I/O."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypedDict, cast, get_args

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
    "check_mapping",
    "check_scores",
    "check_text",
    "check_texts",
    "check_type",
    "check_usage",
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


def check_type(type: str) -> SpanType:
    """The span type, or ValueError that lists the allowed ones."""
    if type not in SPAN_TYPES:
        raise ValueError(f"type is {type!r}; allowed: {', '.join(SPAN_TYPES)}")
    return cast("SpanType", type)


def check_mapping(field: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the mapping, or TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{field} is {value!r}; allowed: a mapping of names to values")
    return dict(value)


def check_texts(field: str, value: Iterable[str]) -> list[str]:
    """A list of the texts, or TypeError: also for a text alone, whose letters nobody means."""
    texts = [] if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) else list(value)
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) or not all(isinstance(t, str) for t in texts):
        raise TypeError(f"{field} is {value!r}; allowed: a list of texts")
    return list(map(written, texts))


def written(text: str) -> str:
    """The text as UTF-8 can say it: half a surrogate pair is replaced."""
    return text.encode("utf-8", "replace").decode()


def check_text(field: str, value: str) -> str:
    """The text, or TypeError or ValueError when it is none or empty."""
    if not isinstance(value, str):
        raise TypeError(f"{field} is {value!r}; allowed: a non-empty text")
    if not value.strip():
        raise ValueError(f"{field} is {value!r}; allowed: a non-empty text")
    return value


def check_usage(usage: Mapping[str, Any]) -> dict[str, int]:
    """A usage partition of whole, non-negative token counts; parts that are None are left out."""
    checked = {}
    if not isinstance(usage, Mapping):
        raise TypeError(f"usage is {usage!r}; allowed: a mapping of {', '.join(USAGE_PARTS)} to numbers of tokens")
    for part, count in usage.items():
        if part not in USAGE_PARTS:
            raise ValueError(f"usage part is {part!r}; allowed: {', '.join(USAGE_PARTS)}")
        if count is None:
            continue
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ValueError(f"usage[{part!r}] is {count!r}; allowed: a whole number of tokens, 0 or more")
        checked[part] = count
    return checked


def check_scores(scores: ScoreInput) -> list[Score]:
    """Scores from the short form `{"name": 0.9, "verdict": "good"}` or a list of score mappings."""
    if isinstance(scores, Mapping):
        return [_short_score(name, value) for name, value in scores.items()]
    if isinstance(scores, (str, bytes)) or not isinstance(scores, Sequence):
        raise TypeError(f"scores is {type(scores).__name__}; allowed: a mapping of name to value, or a list of scores")
    return [_score(score) for score in scores]


def _short_score(name: str, value: object) -> Score:
    if isinstance(value, Mapping):
        return _score({"name": name, **value})
    if isinstance(value, str):
        return _score({"name": name, "label": value})
    return _score({"name": name, "value": value})


def _score(given: Mapping[str, Any]) -> Score:
    if not isinstance(given, Mapping):
        raise TypeError(f"score is {type(given).__name__}; allowed: a mapping with name, value, label, reason")
    unknown = set(given) - {"name", "value", "label", "reason", "category_name"}
    if unknown:
        raise ValueError(f"score has {', '.join(sorted(map(repr, unknown)))}; allowed: name, value, label, reason")
    name, value, label = given.get("name"), given.get("value"), given.get("label", given.get("category_name"))
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"score name is {name!r}; allowed: a non-empty text")
    if value is not None and not (isinstance(value, (int, float)) and math.isfinite(value)):
        hint = f"; a text is its label: label={value!r}" if isinstance(value, str) else ""
        raise ValueError(f"score {name!r} has value {value!r}; allowed: a finite number, a boolean or None{hint}")
    for field, text in (("label", label), ("reason", given.get("reason"))):
        if text is not None and not isinstance(text, str):
            raise ValueError(f"score {name!r} has {field} {text!r}; allowed: text or None")
    if value is None and label is None:
        raise ValueError(f"score {name!r} has neither value nor label; give at least one")
    texts = {field: text and written(text) for field, text in (("label", label), ("reason", given.get("reason")))}
    return {"name": written(name), "value": value, "label": texts["label"], "reason": texts["reason"]}
