"""Token counts as others report them, totals that overlap → parts that add up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["MAX_TOKENS", "count", "partition"]

MAX_TOKENS: Final = 10**12  # of a span; nine million of them still add up in 64 bits


def count(value: Any) -> int:
    """A number of tokens; 0 for whatever is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < MAX_TOKENS:
        return 0
    return value


def partition(
    input: Any, output: Any, *, inner_input: Mapping[str, Any], inner_output: Mapping[str, Any]
) -> dict[str, int]:
    """The inner parts, and what is left of each side's total.

    Conventions count cached and reasoning tokens inside of the total. Some clients report them beside it: seen where
    the parts are more than the total, which then is the rest itself.
    """
    found: dict[str, int] = {}
    for rest, total, inner in (("input", count(input), inner_input), ("output", count(output), inner_output)):
        parts = {part: n for part, value in inner.items() if (n := count(value))}
        inside = sum(parts.values())
        left = total - inside if inside <= total else total
        found |= {rest: left, **parts} if left else parts
    return found
