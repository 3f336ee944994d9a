"""Server-sent events of a stream → the answer they add up to. What was not said is left out."""

from __future__ import annotations

import re
from typing import Any, Final

from trailmark.wire import loads

from trailmark_openai._chat import ChatAnswer
from trailmark_openai._responses import ResponseAnswer

__all__ = ["read_stream"]

_DONE: Final = b"[DONE]"
_FIELD: Final = re.compile(rb"^data:[ ]?(.*)$", re.MULTILINE)
_LAST: Final = re.compile(rb'"type": ?"response\.(?:completed|incomplete|failed)"')


def read_stream(data: bytes) -> tuple[dict[str, Any], bool]:
    """The answer as it would look in one piece, and whether the stream said everything. A cut event is left out."""
    payloads = _payloads(data)
    is_complete = bool(payloads) and payloads[-1].startswith(_DONE)
    payloads = [payload for payload in payloads if not payload.startswith(_DONE)]
    if payloads and _LAST.search(payloads[-1], 0, 200) and (last := _parsed(payloads[-1])).get("response"):
        payloads = []  # it has the whole answer
    else:
        last = {}
    chat, response = ChatAnswer(), ResponseAnswer()
    for payload in payloads:
        if not chat.add_word(payload):
            event = _parsed(payload)
            if "choices" in event:
                chat.add(event, payload)
            elif event:
                response.add(event)
    if last:
        response.add(last)
    return {**chat.answer(), **response.answer()}, is_complete or response.is_complete


def _payloads(data: bytes) -> list[bytes]:
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return [b"\n".join(fields) for block in data.split(b"\n\n") if (fields := _FIELD.findall(block))]


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        event = loads(payload)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
