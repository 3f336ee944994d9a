"""One logical call: from the request to the last byte of the answer, whoever reads it and however it is left.

Holds no object of the user once `request` has returned, and is held by the response's own stream alone: no cycle.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Final, Literal, TypeAlias

import openai
from trailmark.instrumentation import (
    Span,
    claim_span,
    guard,
    is_tracing_active,
    start_span,
    tee,
    use_span,
)

from trailmark_openai import _mapping
from trailmark_openai._asked import hide_usage
from trailmark_openai._errors import failure_in, without_keys
from trailmark_openai._media import file_media
from trailmark_openai._pending import keep, settle, span_of
from trailmark_openai._routes import provider_of, route

__all__ = ["Call", "current_call", "start_call"]

_SEES_NO_LAST_FAILURE: Final = not hasattr(openai.OpenAI, "_send_request")  # before 2.33
MAX_KEPT: Final = 32 * 1024 * 1024

Role: TypeAlias = 'Literal["own", "claim", "look"]'  # whose span it is: ours, a framework's, that of an earlier call

_current: ContextVar[Call | None] = ContextVar("trailmark_openai_call", default=None)
current_call = _current.get


def start_call(client: Any, options: Any) -> Call | None:
    """Open the span of a request; None for what is no call of a model, when tracing is off, or an outer hook has it."""
    if options is None or not is_tracing_active():
        return None
    outer = _current.get()
    if outer is not None and outer.options is options:
        return None
    with guard("starting an OpenAI span"):
        if (pending := span_of(options)) is not None:
            return Call(pending, options, "", asks_usage=True, role="look")
        found = route(options.method, options.url)
        if found is None:
            return None
        claimed = claim_span() if found[1] == "llm" else None
        body = _body(options)
        span = claimed or _own_span(found, body, client, options)
        if span is None:
            return None
        if claimed is not None:  # a framework's span of this very call: it has the input, and will have the output
            claimed.update(provider=provider_of(client))
        asked = body if isinstance(body, dict) else {}
        key = str(getattr(client, "api_key", ""))
        role: Role = "claim" if claimed else "own"
        call = Call(span, options, key, asks_usage=bool(asked.get("stream_options")), role=role)
        if isinstance(model := asked.get("model"), str):
            call.facts["model_requested"] = model
        return call
    return None


def _body(options: Any) -> Any:
    body, extra = options.json_data, getattr(options, "extra_json", None)
    if extra and (body is None or isinstance(body, dict)):
        return {**(body or {}), **extra}
    return body


def _own_span(found: tuple[str, str], body: Any, client: Any, options: Any) -> Span | None:
    """A span with the request as it is sent; as it came where our reading of it fails."""
    fields: dict[str, Any] = {"input": body}
    with guard("reading an OpenAI request"):
        fields = _mapping.from_request(body, options.files)
    span = start_span(found[0], type=found[1], provider=provider_of(client), **fields)
    if span is not None and options.files and found[1] != "general" and span.keeps("input") and span.keeps("media"):
        span.update(attachments=file_media(options.files))
    return span


class Call:
    """Ends its span exactly once. As a context manager it is the time in which `request` runs."""

    # Defaults on the class: most calls change few of them.
    is_exhausted = False  # the stream ended by itself
    hides_usage = False
    attempted_s = 0.0
    _response: Any = None
    _kind = _encoding = ""
    _size = 0
    _is_open = True
    _outer: Call | None = None
    _block: AbstractContextManager[None] | None = None

    def __init__(self, span: Span, options: Any, api_key: str, *, asks_usage: bool, role: Role) -> None:
        self.span, self.options = span, options
        span.covers_http = True
        self.asks_usage, self._api_key, self._role = asks_usage, api_key, role
        self.facts: dict[str, Any] = {}
        self.attempts: list[int | str] = []
        self.waits_s: list[float] = []
        self._chunks: list[bytes] = []
        self._has_token = role == "look"  # its first token is another call's

    def __enter__(self) -> None:
        self._outer = _current.get()
        _current.set(self)
        self._block = use_span(self.span)
        self._block.__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._block is not None:
            self._block.__exit__(None, None, None)
        _current.set(self._outer)
        self._outer = self._block = self.options = None
        if error is not None:
            if _SEES_NO_LAST_FAILURE and isinstance(error, openai.APIConnectionError):
                self.ended_attempt(None, error.__cause__ or error)
            content = b""
            with guard("looking at an OpenAI answer"):
                response = self._told()
                if response is not None and response.is_closed and response.status_code < 400:
                    content = _content(response)  # it was paid for
            self._end(content, error)

    def attempt(self) -> _Attempt:
        """The time in which one request is out."""
        return _Attempt(self)

    def attempted(self, response: Any) -> None:
        """An attempt was answered; the last one counts."""
        self._response = response
        self.attempts.append(response.status_code)

    def ended_attempt(self, response: Any, error: BaseException | None = None) -> None:
        """As `attempt` and `attempted`, where only its end is seen: waits then hold the requests too."""
        self.note_wait()
        if response is not None:
            self.attempted(response)
        else:
            self.attempts.append(type(error).__name__)
        self.attempted_s = time.monotonic()

    def note_wait(self) -> None:
        """The time since the last attempt, if there was one."""
        if self.attempts:
            self.waits_s.append(round(time.monotonic() - self.attempted_s, 3))

    def answered(self, result: Any) -> None:
        """`request` returned: the answer is there, or is yet to be read by the user."""
        content, is_watched = b"", False
        with guard("looking at an OpenAI answer"):
            if self.hides_usage:
                hide_usage(result)
            response = self._told()
            if response is not None and response.is_closed:
                content = _content(response)
            elif response is not None:
                is_watched = tee(response, self)
        if not is_watched:
            self._end(content)

    def chunk(self, data: bytes) -> None:
        """Bytes on their way to the user."""
        self._size += len(data)
        if self._size <= MAX_KEPT:
            self._chunks.append(data)
        if not self._has_token and (self._encoding or _mapping.has_token(data, self._kind)):
            self._has_token = True
            self.span.mark_first_token()

    def closed(self, error: BaseException | None = None) -> None:
        """The response was read to its end, closed, or collected. Only the first time counts."""
        if self._is_open:
            data, self._chunks = b"".join(self._chunks), []
            self._end(data, error, is_stream=True)

    def _told(self) -> Any:
        """The response, and what its headers say; it is let go here."""
        response, self._response = self._response, None
        if response is not None:
            headers = response.headers
            self._kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if not response.is_closed:
                self._encoding = headers.get("content-encoding", "").strip().lower()
            if request_id := headers.get("x-request-id") or headers.get("apim-request-id"):
                self.facts["request_id"] = request_id
        if len(self.attempts) > 1:
            self.facts |= {"attempts": self.attempts, "waits_s": self.waits_s}
        return response

    def _end(self, content: bytes, error: BaseException | None = None, *, is_stream: bool = False) -> None:
        if not self._is_open:
            return
        self._is_open = False
        fields: dict[str, Any] = {}
        is_complete = not is_stream
        try:
            with guard("reading an OpenAI answer"):
                is_complete |= self._read(content, fields, is_stream=is_stream) or self.is_exhausted
        finally:  # the test kit lets our own faults out, the span ends all the same
            failure = fields.pop("failure", None)
            if error is not None and not (is_stream and is_complete):  # what follows the last event is housekeeping
                failure, facts = without_keys(error, self._api_key)
                if self.span is not None and not self.span.keeps("output"):
                    facts.pop("body", None)  # it often quotes the request
                self.facts["error"] = facts
                is_complete = True
            fields["metadata"] = fields.get("metadata", {}) | self.facts
            pending = fields.pop("pending", None)
            if self._role == "claim":
                self._hand_back(fields, failed=failure is not None)
            elif self._role == "look":
                if is_complete and pending is None and error is None:
                    self._settle(fields, failure)
            else:
                if pending is not None:  # the model works on, whoever leaves
                    keep(pending, self.span)
                    is_complete = True
                self.span.observe(**fields)
                if failure is not None:
                    self.span.fail(failure)
                self.span.end(None if is_complete else "cancelled")

    def _settle(self, fields: dict[str, Any], failure: BaseException | None) -> None:
        """A later look found the answer: it belongs to the span of the call that asked for it."""
        if "response_id" not in fields["metadata"]:
            return  # not the answer: a page, or something new
        settle(fields["metadata"]["response_id"])
        fields["metadata"].pop("request_id", None)  # that of the look
        if failure is not None:
            self.span.fail(failure)
        self.span.observe(**fields)

    def _hand_back(self, fields: dict[str, Any], *, failed: bool) -> None:
        """What only the provider knows goes into the framework's span; after a failure the next try may claim it."""
        fields.pop("output", None)
        self.span.update(**fields)
        if failed:
            self.span.claim = "open"

    def _read(self, content: bytes, fields: dict[str, Any], *, is_stream: bool) -> bool:
        """Fill in what the answer says; whether it is complete. What cannot be mapped is kept as it came."""
        data = _mapping.inflated(content, self._encoding) if is_stream else content
        if not data and not self._size:
            return False
        if data is None or self._size > MAX_KEPT:
            fields["output"] = {"bytes": self._size, "content_type": self._kind, "content_encoding": self._encoding}
            return True
        try:
            read, is_complete = _mapping.from_body(data, self._kind)
            fields |= read
            if not (self.span.keeps("media") and self.span.keeps("output")):
                fields.pop("attachments", None)
        finally:
            if not fields:
                fields["output"] = data.decode(errors="replace")
        if is_stream and not self.asks_usage and "finish_reasons" in fields["metadata"] and "usage" not in fields:
            self.facts["usage_missing"] = "the request does not set stream_options.include_usage"
        if "failure" in fields:
            fields["failure"] = failure_in(fields["failure"])
            return True
        return is_complete


class _Attempt:
    """Notes what became of an attempt, and how long was waited before it."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def __enter__(self) -> None:
        self._call.note_wait()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._call.attempts.append(type(error).__name__)
        self._call.attempted_s = time.monotonic()


def _content(response: Any) -> bytes:
    """The body as far as somebody has read it; we never read."""
    return getattr(response, "_content", b"")
