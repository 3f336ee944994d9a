"""Server-sent events of a stream → the answer they add up to. What was not said is left out."""

from __future__ import annotations

import json
from typing import Any, Final

from trailmark_openai._chat import ChatAnswer
from trailmark_openai._responses import ResponseAnswer

__all__ = ["read_stream"]

_DONE: Final = b"[DONE]"


def read_stream(data: bytes) -> tuple[dict[str, Any], bool]:
    """The answer as it would look in one piece, and whether the stream said everything. A cut event is left out."""
    payloads = _payloads(data)
    is_complete = bool(payloads) and payloads[-1].startswith(_DONE)
    events = _parsed([payload for payload in payloads if not payload.startswith(_DONE)])
    chat, response = ChatAnswer(), ResponseAnswer()
    for event in events:
        if "choices" in event:
            chat.add(event)
        else:
            response.add(event)
    answer = {**chat.answer(), **response.answer()}
    return answer, is_complete or response.is_complete


def _payloads(data: bytes) -> list[bytes]:
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = []
    for block in data.split(b"\n\n"):
        if block.startswith(b"data:") and b"\n" not in block:  # nearly all of them
            found.append(block[5:].lstrip())
        elif block:
            lines = [line[5:].lstrip() for line in block.split(b"\n") if line.startswith(b"data:")]
            if lines:
                found.append(b"\n".join(lines))
    return found


def _parsed(payloads: list[bytes]) -> list[dict[str, Any]]:
    try:
        events = json.loads(b"[" + b",".join(payloads) + b"]")  # one parse is three times faster than many
    except ValueError:
        events = [event for payload in payloads if (event := _one(payload)) is not None]
    return [event for event in events if isinstance(event, dict)]


def _one(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return None
