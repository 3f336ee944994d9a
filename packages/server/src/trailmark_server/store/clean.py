"""Values that JSON's writer refuses → the nearest it takes, so that one odd value never costs its record. Pure."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["clean"]

MAX_DEPTH: Final = 200  # the writer's own is 254
_LOW, _HIGH = -(2**63), 2**64


def clean(value: Any, depth: int = 0) -> Any:
    """Lone surrogates replaced, whole numbers beyond 64 bits as floats or text, what is nested too deep as a marker."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return value if _LOW <= value < _HIGH else _wide(value)
    if depth >= MAX_DEPTH:
        return "<nested too deep>"
    if isinstance(value, dict):
        return {clean(str(key)): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item, depth + 1) for item in value]
    return str(value)


def _wide(value: int) -> float | str:
    try:
        return float(value)
    except OverflowError:
        return f"<a whole number of {value.bit_length()} bits>"
