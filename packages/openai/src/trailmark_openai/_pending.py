"""Answers that are not there yet: the span that a later look at one of them belongs to. Bounded, oldest out first."""

from __future__ import annotations

import re
from typing import Any, Final

from trailmark.instrumentation import Span

__all__ = ["PENDING", "keep", "settle", "span_of"]

PENDING: Final = ("queued", "in_progress", "validating", "finalizing", "cancelling", "requires_action")
_LIMIT: Final = 256
_LOOK: Final = re.compile(r"/(?:responses|batches|videos|runs)/([^/?]+)(/cancel)?(?:\?|$)")

_spans: dict[str, Span] = {}


def keep(id: str, span: Span) -> None:
    """Remember whose answer it will be."""
    while len(_spans) >= _LIMIT:
        _spans.pop(next(iter(_spans), ""), None)
    _spans[id] = span


def settle(id: str) -> None:
    """The answer came."""
    _spans.pop(id, None)


def span_of(options: Any) -> Span | None:
    """The span whose answer this request looks for, or calls off."""
    if not _spans:
        return None
    look = _LOOK.search(options.url)
    if look is None or (options.method.lower() == "post") != bool(look[2]):
        return None
    return _spans.get(look[1])
