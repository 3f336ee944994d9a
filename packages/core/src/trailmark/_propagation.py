"""A trace across processes: W3C trace context in and out, Opik's headers in. A bad header is as good as none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from trailmark._context import Remote
from trailmark._span import Span

__all__ = ["Headers", "read_headers", "write_headers"]

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]

_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_MEMBER: Final = re.compile(
    r"([a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    r"=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])",
    re.ASCII,
)
_OURS: Final = "trailmark"
_MEMBERS: Final = 32  # the specification's limit, ours included
_OWS: Final = " \t"


def read_headers(headers: Headers) -> Remote | None:
    """The span these headers continue. `headers`: a mapping, or pairs of text or bytes (ASGI, WSGI, httpx alike)."""
    found: dict[str, list[str]] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        found.setdefault(_text(name).lower().replace("-", "_"), []).append(_text(value).strip(_OWS))
    trace_id = _parent_of(found.get("traceparent", []))
    members = _members(",".join(found.get("tracestate", []))) if trace_id else {}
    span_id = _uuid(members.pop(_OURS, ""))
    opik_trace, opik_span = _uuid(*found.get("opik_trace_id", [])), _uuid(*found.get("opik_parent_span_id", []))
    if opik_trace and (span_id is None or trace_id is None):
        trace_id, span_id = opik_trace, opik_span
    if trace_id is None:
        return None
    return Remote(trace_id, span_id, tuple(f"{key}={value}" for key, value in members.items()))


def write_headers(span: Span, *, is_sampled: bool) -> dict[str, str]:
    """What the next service needs to continue at `span`: `traceparent` and `tracestate`."""
    others = span.root.remote.state if span.root.remote is not None else ()
    hexed = span.id.replace("-", "")
    return {
        "traceparent": f"00-{span.trace_id.replace('-', '')}-{hexed[16:]}-{'01' if is_sampled else '00'}",
        "tracestate": ",".join([f"{_OURS}={span.id}", *others[: _MEMBERS - 1]]),
    }


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _parent_of(values: list[str]) -> str | None:
    match = _PARENT.fullmatch(values[0]) if len(values) == 1 else None
    if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
        return None
    if not int(match[2], 16) or not int(match[3], 16):
        return None
    return str(UUID(match[2]))


def _members(state: str) -> dict[str, str]:
    """Members by key, in order; the whole list counts for nothing when one is malformed or doubled, as W3C says."""
    found: dict[str, str] = {}
    for part in state.split(","):
        member = part.strip(_OWS)
        if not member:
            continue
        match = _MEMBER.fullmatch(member)
        if match is None or match[1] in found or len(found) == _MEMBERS:
            return {}
        found[match[1]] = match[2]
    return found


def _uuid(*texts: str) -> str | None:
    try:
        return str(UUID(texts[0])) if len(texts) == 1 and texts[0] else None
    except ValueError:
        return None
