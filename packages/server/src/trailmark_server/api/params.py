"""Query parameters that several routes share, checked once."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Query

from trailmark_server.api.problems import Problem

__all__ = ["Bounds", "Buckets", "Limit", "Seq", "Text", "bounds_of", "moment"]

_UNITS: Final = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
Seq = Annotated[int, Query(ge=0, lt=2**63)]  # what SQLite's integers hold
Limit = Annotated[int, Query(ge=1, le=500)]
Buckets = Annotated[int, Query(ge=1, le=300)]
Text = Annotated[str, Query(description="The filter language; empty for everything.")]
_Time = Annotated[str | None, Query(description="Microseconds since the epoch, ISO 8601, or back from now: -24h.")]


def moment(text: str) -> int:
    """Microseconds since the epoch. Problem for anything else than what the parameter allows."""
    try:
        if text[:1] == "-" and text[-1] in _UNITS:
            back = time.time_ns() // 1000 + int(float(text[:-1]) * _UNITS[text[-1]])
            if abs(back) < 2**62:
                return back
        if text.lstrip("-").isdecimal():
            number = int(text)
            if abs(number) < 2**62:
                return number
        found = datetime.fromisoformat(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000_000)
    except (ValueError, OverflowError, IndexError):
        raise Problem(
            400, f"time is {text[:80]!r}; allowed: microseconds, 2026-01-31T12:00:00Z, -24h (s, m, h, d, w)"
        ) from None


def bounds_of(from_: str | None, to: str | None) -> tuple[int | None, int | None]:
    """Both ends; an end before the start is refused."""
    start, end = (moment(text) if text else None for text in (from_, to))
    if start is not None and end is not None and end <= start:
        raise Problem(400, f"from is {from_} and to is {to}; allowed: to after from")
    return start, end


def _bounds(from_: Annotated[_Time, Query(alias="from")] = None, to: _Time = None) -> tuple[int | None, int | None]:
    return bounds_of(from_, to)


Bounds = Annotated[tuple[int | None, int | None], Depends(_bounds)]
