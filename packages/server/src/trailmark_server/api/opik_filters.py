"""Opik's search filters, judged on what its SDK would read back: conditions joined by AND."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson

from trailmark_server.api.problems import Problem

__all__ = ["Test", "compile_filters"]

Test = Callable[[dict[str, Any]], bool]
_DATES: Final = ("start_time", "end_time", "created_at", "last_updated_at")
_NUMBERS: Final = ("total_estimated_cost", "llm_span_count", "span_count", "duration", "ttft", "number_of_messages")
_LISTS: Final = ("tags", "annotation_queue_ids")
_PAYLOADS: Final = (
    "input",
    "output",
    "metadata",
    "input_json",
    "output_json",
    "error_info",
    "first_message",
    "last_message",
)
_TEXTS: Final = ("id", "name", "thread_id", "trace_id", "type", "model", "provider", "environment", "status", "source")
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda found, asked: bool(found == asked),
    "!=": lambda found, asked: bool(found != asked),
    ">": lambda found, asked: bool(found > asked),
    ">=": lambda found, asked: bool(found >= asked),
    "<": lambda found, asked: bool(found < asked),
    "<=": lambda found, asked: bool(found <= asked),
}
_TEXT: Final[dict[str, Callable[[str, str], bool]]] = {
    **_ORDER,
    "contains": lambda found, asked: asked in found,
    "not_contains": lambda found, asked: asked not in found,
    "starts_with": lambda found, asked: found.startswith(asked),
    "ends_with": lambda found, asked: found.endswith(asked),
    "in": lambda found, asked: found in [part.strip() for part in asked.split(",")],
    "not_in": lambda found, asked: found not in [part.strip() for part in asked.split(",")],
}
_EMPTY: Final = {"is_empty": True, "is_not_empty": False}


def compile_filters(filters: Any) -> tuple[Test, bool]:
    """A test of a trace, span or thread as Opik shows it, and whether it looks into payloads. 400 for what is none."""
    if not isinstance(filters, list):
        raise Problem(400, f"filters is {type(filters).__name__}; allowed: a list")
    tests = [_compiled(item) for item in filters]
    looks_inside = any(str(item.get("field")).partition(".")[0] in _PAYLOADS for item in filters)
    return lambda view: all(test(view) for test in tests), looks_inside


def _compiled(item: Any) -> Test:
    if not isinstance(item, dict):
        raise Problem(400, f"a filter is {type(item).__name__}; allowed: {{field, operator, value, key}}")
    field, operator = str(item.get("field") or ""), str(item.get("operator") or "")
    key, value = str(item.get("key") or ""), "" if item.get("value") is None else str(item["value"])
    name, _, inner = field.partition(".")
    if name == "usage":
        return _compared(
            field, operator, _number(field, operator, value), lambda view: (view.get("usage") or {}).get(inner)
        )
    if name in ("feedback_scores", "span_feedback_scores"):
        return _score_test(field, operator, key or inner, value)
    if name in ("metadata", "input", "output", "input_json", "output_json") and (key or inner):
        return _inner_test(name.removesuffix("_json"), operator, key or inner, value)
    if name in _DATES:
        asked = _moment(field, value)
        return _compared(field, operator, asked, lambda view: view.get(name) and _moment(field, view[name]))
    if name in _NUMBERS:
        return _compared(field, operator, _number(field, operator, value), lambda view: view.get(name))
    if name in _LISTS:
        return _list_test(name, operator, value)
    if name in (*_TEXTS, *_PAYLOADS):
        return _text_test(field, operator, value, lambda view: view.get(name.removesuffix("_json")))
    allowed = (*_TEXTS, *_PAYLOADS, *_DATES, *_NUMBERS, *_LISTS, "feedback_scores", "usage")
    raise Problem(400, f"a filter's field is {field!r}; allowed: {', '.join(allowed)}")


def _compared(field: str, operator: str, asked: Any, get: Callable[[dict[str, Any]], Any]) -> Test:
    if operator in _EMPTY:
        return lambda view: (get(view) is None) is _EMPTY[operator]
    compare = _ORDER.get(operator)
    if compare is None:
        raise _unknown(field, operator, [*_ORDER, *_EMPTY])
    return lambda view: (found := get(view)) is not None and compare(found, asked)


def _text_test(field: str, operator: str, value: str, get: Callable[[dict[str, Any]], Any]) -> Test:
    if operator in _EMPTY:
        return lambda view: (get(view) in (None, "", [], {})) is _EMPTY[operator]
    compare = _TEXT.get(operator)
    if compare is None:
        raise _unknown(field, operator, [*_TEXT, *_EMPTY])
    asked = value.lower()
    return lambda view: compare(_text(get(view)).lower(), asked)


def _inner_test(name: str, operator: str, path: str, value: str) -> Test:
    """A value inside of a payload, by its dotted path; compared as a number with > and <."""
    if operator in (">", ">=", "<", "<="):
        asked = _number(f"{name}.{path}", operator, value)
        return _compared(f"{name}.{path}", operator, asked, lambda view: _as_number(_inside(view.get(name), path)))
    return _text_test(f"{name}.{path}", operator, value, lambda view: _inside(view.get(name), path))


def _score_test(field: str, operator: str, name: str, value: str) -> Test:
    def found(view: dict[str, Any]) -> Any:
        return next((s["value"] for s in view.get("feedback_scores") or () if s["name"].lower() == name.lower()), None)

    return _compared(f"{field}.{name}", operator, _number(field, operator, value), found)


def _list_test(name: str, operator: str, value: str) -> Test:
    asked = value.lower()

    def items(view: dict[str, Any]) -> list[str]:
        return [str(item).lower() for item in view.get(name) or ()]

    tests: dict[str, Test] = {
        "=": lambda view: items(view) == [asked],
        "!=": lambda view: items(view) != [asked],
        "contains": lambda view: any(asked in item for item in items(view)),
        "not_contains": lambda view: not any(asked in item for item in items(view)),
        "is_empty": lambda view: not items(view),
        "is_not_empty": lambda view: bool(items(view)),
    }
    if operator not in tests:
        raise _unknown(name, operator, list(tests))
    return tests[operator]


def _inside(value: Any, path: str) -> Any:
    for part in path.removeprefix("$.").split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _as_number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _number(field: str, operator: str, value: str) -> float | None:
    if operator in _EMPTY:
        return None
    try:
        return float(value)
    except ValueError:
        raise Problem(400, f"{field} {operator} {value!r}; allowed: a number") from None


def _moment(field: str, value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise Problem(400, f"{field} is compared with {value!r}; allowed: an ISO 8601 time") from None


def _unknown(field: str, operator: str, allowed: list[str]) -> Problem:
    return Problem(400, f"{field} has the operator {operator!r}; allowed: {', '.join(allowed)}")
