"""One logical request: from `send` to the last byte of the answer, redirects, logins and retries folded in.

Holds no object of the user once `send` has returned, and is held by the response's own stream alone: no cycle.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from trailmark.instrumentation import (
    UNSET,
    Span,
    back_end,
    current,
    guard,
    is_tracing_active,
    start_span,
    tee,
    use_span,
)

from trailmark_httpx._mapping import from_request, from_response, length_of, name_of, place_of, without_headers
from trailmark_httpx._settings import Settings

__all__ = ["Exchange", "current_exchange", "start_exchange"]

_current: ContextVar[Exchange | None] = ContextVar("trailmark_httpx_exchange", default=None)
current_exchange = _current.get


def start_exchange(client: Any, request: Any, settings: Settings) -> Exchange | None:
    """Open the span of a request; None when tracing is off, another span has it, or it is to be left alone."""
    if request is None or not is_tracing_active():
        return None
    outer = _current.get()
    if outer is not None and outer.request is request:
        return None
    with guard("starting the span of a request"):
        around = current()
        if around is None and not settings.roots:
            return None
        if around is not None and around.covers_http and not around.is_ended:
            return None
        if settings.is_excluded(request.url.host) or _is_back_end(request.url):
            return None
        span = start_span(name_of(request), input=from_request(request, settings.capture_headers))
        if span is not None:
            return Exchange(span, client, request, settings)
    return None


def _is_back_end(url: Any) -> bool:
    told = back_end()
    if told is None:
        return False
    own = urlsplit(told)
    return own.hostname == url.host and (own.port or _port(own.scheme)) == (url.port or _port(url.scheme))


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


class Exchange:
    """Ends its span exactly once. As a context manager it is the time in which `send` runs."""

    __slots__ = (
        "_attempts",
        "_began",
        "_block",
        "_is_open",
        "_length",
        "_outer",
        "_output",
        "_places",
        "_size",
        "_span",
        "client",
        "is_exhausted",
        "request",
        "settings",
    )

    def __init__(self, span: Span, client: Any, request: Any, settings: Settings) -> None:
        self.client, self.request, self.settings = client, request, settings
        self.is_exhausted = False
        self._span = span
        self._attempts: list[int | str] = []
        self._places: list[str] = []
        self._output: dict[str, Any] = {}
        self._length: int | None = None
        self._size = 0
        self._is_open = True
        self._outer: Exchange | None = None
        self._block: AbstractContextManager[None] | None = None
        self._began = time.monotonic()

    def __enter__(self) -> None:
        self._outer = _current.get()
        _current.set(self)
        self._block = use_span(self._span)
        self._block.__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._block is not None:
            self._block.__exit__(None, None, None)
        _current.set(self._outer)
        self._outer = self._block = self.client = self.request = None
        if error is not None:
            self._end(error)

    def tried(self, outcomes: list[int | str], url: Any, response: Any = None) -> None:
        """A hop is over: a status or the name of an exception for each try of it, and the head of its answer."""
        if self._attempts:
            self._places.append(place_of(url))
        self._attempts += outcomes
        if response is not None:
            self._output = from_response(response, self.settings.capture_headers)
            self._output["first_byte_ms"] = round((time.monotonic() - self._began) * 1000, 3)

    def answered(self, response: Any) -> None:
        """`send` returned: the answer is there, or is yet to be read by the user."""
        is_watched = False
        with guard("looking at an answer"):
            if not self._output:
                self.tried([response.status_code], response.request.url, response)
            if response.is_closed:
                self._size = response.num_bytes_downloaded or len(getattr(response, "_content", b""))
                self.is_exhausted = True
            else:
                self._length = length_of(response)
                is_watched = tee(response, self)
        if not is_watched:
            self._end()

    def chunk(self, data: bytes) -> None:
        """Bytes on their way to the user."""
        self._size += len(data)

    def closed(self, error: BaseException | None = None) -> None:
        """The response was read to its end, closed, or collected. Only the first time counts."""
        self._end(error)

    def _end(self, error: BaseException | None = None) -> None:
        if not self._is_open:
            return
        self._is_open = False
        with guard("ending the span of a request"):
            if error is not None:
                self._span.fail(without_headers(error))
            if self._output and (self._size or error is None):
                self._output["bytes"] = self._size
            if facts := self._facts():
                self._span.update(metadata=facts)
            self._span.end(self._status(), output=self._output or UNSET)

    def _facts(self) -> dict[str, Any]:
        """What is told beside the output, and in place of one that the settings leave out."""
        keeps_output = self._span.keeps("output")
        facts: dict[str, Any] = {"attempts": self._attempts} if len(self._attempts) > 1 else {}
        if self._places and keeps_output and self._span.keeps("input"):  # paths are of answers, and asked for
            facts["redirects"] = self._places
        if self._output and not keeps_output:
            facts["response"] = {key: fact for key, fact in self._output.items() if key != "headers"}
        return facts

    def _status(self) -> Any:
        if self._span.status != "running":
            return None
        if self._output.get("status", 0) >= 400:
            return "error"
        is_whole = self.is_exhausted or (self._length is not None and self._size >= self._length)
        return None if is_whole else "cancelled"
