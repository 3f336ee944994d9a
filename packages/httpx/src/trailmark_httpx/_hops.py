"""One hop of a request: the trace's headers on it and off again, and what became of its tries.

A redirect, a login and a transport that connects anew make several hops or tries of one request.
"""

from __future__ import annotations

from typing import Any, Self

from trailmark.context import distributed_headers
from trailmark.instrumentation import guard

from trailmark_httpx._exchange import Exchange

__all__ = ["Hop"]


class Hop:
    """The time in which one hop is out. The request is the user's again when it is over."""

    __slots__ = ("_added", "_exchange", "_extensions", "_is_async", "_request", "_tries", "response")

    def __init__(self, exchange: Exchange, request: Any, *, is_async: bool) -> None:
        self.response: Any = None
        self._exchange, self._request, self._is_async = exchange, request, is_async
        self._added: list[str] = []
        self._tries: list[int | str] = []
        self._extensions: Any = None

    def __enter__(self) -> Self:
        with guard("handing on a trace"):
            self._tell()
        with guard("watching the tries of a request"):
            self._watch()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        with guard("looking at an answer"):
            request, response, tries = self._request, self.response, self._tries
            for name in self._added:  # to be sent anew, or copied to wherever a redirect leads
                if name in request.headers:
                    del request.headers[name]
            if self._extensions is not None:
                request.extensions = self._extensions
            outcome = response.status_code if response is not None else kind.__name__ if kind is not None else ""
            if not tries or tries[-1] != outcome:
                tries.append(outcome)
            self._exchange.tried(tries, request.url, response)

    def _tell(self) -> None:
        """Never over what the user set, and never to a host that is not to know."""
        headers = self._request.headers
        if "traceparent" in headers or not self._exchange.settings.is_propagated(self._request.url.host):
            return
        for name, value in distributed_headers().items():
            if name == "traceparent" or name not in headers:
                headers[name] = value
                self._added.append(name)

    def _watch(self) -> None:
        """Ask the transport to tell of its tries, where it may make several: to be told costs it something."""
        if not _may_retry(self._exchange.client, self._request.url):
            return
        self._extensions = self._request.extensions
        users = self._extensions.get("trace")
        self._request.extensions = {
            **self._extensions,
            "trace": self._told_async(users) if self._is_async else self._told(users),
        }

    def _told(self, users: Any) -> Any:
        def told(event: str, info: dict[str, Any]) -> Any:
            self._note(event, info)
            return users(event, info) if users is not None else None

        return told

    def _told_async(self, users: Any) -> Any:
        async def told(event: str, info: dict[str, Any]) -> None:
            self._note(event, info)
            if users is not None:
                await users(event, info)

        return told

    def _note(self, event: str, info: dict[str, Any]) -> None:
        with guard("watching the tries of a request"):
            _, _, step = event.partition(".")
            if step == "receive_response_headers.complete":
                told = info["return_value"]
                self._tries.append(told[0] if isinstance(told[0], int) else told[1])
            elif step.endswith(".failed") and step.startswith(
                ("connect_", "start_tls", "send_request", "receive_response_headers")
            ):
                self._tries.append(type(info["exception"]).__name__)


def _may_retry(client: Any, url: Any) -> bool:
    """Whether the transport was asked to, or is somebody's own around another."""
    find = getattr(client, "_transport_for_url", None)
    transport = find(url) if find is not None else None
    pool = getattr(transport, "_pool", None)
    if pool is not None:
        return bool(getattr(pool, "_retries", 0))
    return transport is not None and not type(transport).__module__.startswith(("httpx.", "httpx2."))
