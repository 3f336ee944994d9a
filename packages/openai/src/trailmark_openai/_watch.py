"""One connection as its messages tell: a span for it, and under it one for each response. They are not changed.

Messages are known by their beginning; the many with sound are not parsed.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any, Final

from trailmark.instrumentation import Span, guard, start_span
from trailmark.wire import loads

from trailmark_openai import _mapping
from trailmark_openai._errors import failure_in
from trailmark_openai._media import without_media
from trailmark_openai._usage import usage_parts

__all__ = ["Watch"]

_TYPE: Final = re.compile(r'"type"\s*:\s*"((?:[a-z_]+\.)+[a-z_]+|error)"')
_HEAD: Final = 512
_MAX_ITEMS: Final = 200
_MAX_TEXT: Final = 1_000_000
_SOUND: Final = ("input_audio_buffer.append", "session.input_audio_buffer.append", "session.input_audio.append")
_READ: Final = ("session.start", "session.update", "conversation.item.create", "response.create")
_DONE: Final = ("response.completed", "response.incomplete", "response.failed")
_TOLD: Final = (
    *("response.created", "response.done", *_DONE, "response.event", "error", "session.usage.updated"),
    *("session.input_transcript.delta", "session.output_transcript.delta"),
    "conversation.item.input_audio_transcription.completed",
)


class Watch:
    """What is known of one connection: its span, its open responses, and what was said since the last one."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._speaks_responses = span.name == "openai.responses.connection"
        self._open: dict[str, Span] = {}
        self._given: list[Any] = []
        self._sound = 0  # bytes heard
        self._asked: deque[Any] = deque(maxlen=_MAX_ITEMS)  # responses that have not begun
        self._said: dict[str, list[str]] = {}  # transcripts, in pieces
        self._length = 0

    def __del__(self) -> None:
        self.ended("cancelled")

    def sent(self, message: Any) -> None:
        """Towards the service."""
        with guard("reading a message of a connection"):
            kind = _kind(message)
            if kind in _SOUND:
                self._sound += len(message) * 3 // 4
            elif kind in _READ:
                self._note(kind, loads(message))

    def received(self, message: Any) -> None:
        """From the service."""
        with guard("reading a message of a connection"):
            kind = _kind(message)
            if kind in _TOLD:
                self._told(loads(message))
            elif kind.endswith(".delta"):
                for span in self._open.values():
                    span.mark_first_token()

    def broke(self, error: BaseException) -> None:
        """`recv` raised: the other side closed, or the connection is lost."""
        name = type(error).__name__
        if name == "ConnectionClosedOK":
            self.ended()
        elif name.startswith("ConnectionClosed"):
            with guard("ending the span of a connection"):
                self._span.fail(error)
            self.ended()

    def ended(self, status: Any = None) -> None:
        """Only the first time counts."""
        for span in self._open.values():
            span.end("cancelled")
        self._open.clear()
        if self._said and not self._span.is_ended:
            self._span.observe(output={kind: "".join(pieces) for kind, pieces in self._said.items()})
        self._span.end(status)

    def _note(self, kind: str, event: dict[str, Any]) -> None:
        if kind in ("session.start", "session.update"):
            self._span.observe(input=without_media(event.get("session")))
        elif kind == "response.create":
            self._asked.append(event if self._speaks_responses else event.get("response"))
        else:
            self._given.append(without_media(event.get("item")))
            del self._given[:-_MAX_ITEMS]

    def _told(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "response.event" and isinstance(inner := event.get("event"), dict):  # of a model the session asks
            event, kind = inner, inner.get("type")
        response = event.get("response") or {}
        if kind == "response.created":
            self._begin(response)
        elif kind == "response.done" or kind in _DONE:
            self._finish(response)
        elif kind == "error":
            self._err(event)
        elif kind == "session.usage.updated":  # a total, not to be summed
            self._span.update(usage_raw=event.get("usage"))
        elif isinstance(delta := event.get("delta"), str):
            if "transcript" in str(kind) and self._length < _MAX_TEXT:
                self._length += len(delta)
                self._said.setdefault(str(kind).split(".")[1], []).append(delta)
        elif "transcript" in event:
            self._given.append({"transcript": event.get("transcript"), "item_id": event.get("item_id")})

    def _begin(self, response: dict[str, Any]) -> None:
        asked = self._asked.popleft() if self._asked else None
        if self._speaks_responses:
            fields = _mapping.from_request({key: value for key, value in (asked or {}).items() if key != "type"}, None)
            span = start_span("openai.responses", type="llm", parent=self._span, **fields)
        else:
            heard = {"items": self._given, "audio_bytes": self._sound, "response": asked}
            given = {key: value for key, value in heard.items() if value}
            self._given, self._sound = [], 0
            span = start_span(f"{self._span.name}.response", type="llm", parent=self._span, input=given)
        if span is not None:
            self._open[response.get("id", "")] = span

    def _finish(self, response: dict[str, Any]) -> None:
        span = self._open.pop(response.get("id", ""), None)
        if span is None:
            return
        status = response.get("status")
        if response.get("object") == "response":
            fields = _mapping.from_answer(response)
            failure = fields.pop("failure", None)
            fields["output"] = without_media(fields["output"])
            span.observe(**fields)
        else:
            usage, details = response.get("usage"), response.get("status_details")
            if isinstance(usage, dict):
                span.update(usage=usage_parts(usage), usage_raw=usage)
            facts = {"response_id": response.get("id"), "status": status, "details": details}
            output = without_media(response.get("output"))
            span.observe(output=output, metadata={k: v for k, v in facts.items() if v})
            failure = (details or {}).get("error") or "the response failed" if status == "failed" else None
        if failure is not None:
            span.fail(failure_in(failure))
        span.end("cancelled" if status == "cancelled" else None)

    def _err(self, event: dict[str, Any]) -> None:
        told = event.get("error") or {key: event[key] for key in ("code", "message", "param") if event.get(key)}
        if self._speaks_responses and self._asked:  # it was refused before it began
            self._begin({"id": ""})
            self._fail("", told)
        elif self._speaks_responses and len(self._open) == 1:
            self._fail(next(iter(self._open)), told)
        else:
            quotes = ("message",) if isinstance(told, dict) and not self._span.keeps("output") else ()
            self._span.update(
                metadata={"error": {k: v for k, v in told.items() if k not in quotes} if quotes else told}
            )

    def _fail(self, id: str, told: Any) -> None:
        if (span := self._open.pop(id, None)) is not None:
            span.fail(failure_in(told))
            span.end()


def _kind(message: Any) -> str:
    """The event's type, from its beginning; where it does not stand there the event is parsed."""
    head = message[:_HEAD]
    found = _TYPE.search(head.decode(errors="replace") if isinstance(head, bytes) else head)
    if found is not None:
        return found[1]
    event = loads(message) if len(message) > _HEAD else {}
    kind = event.get("type") if isinstance(event, dict) else None
    return kind if isinstance(kind, str) else ""
