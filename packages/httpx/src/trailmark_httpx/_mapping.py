"""A request and its answer → what a span says of them. Reads headers and addresses, never a body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from trailmark.instrumentation import query_pairs

__all__ = ["from_request", "from_response", "host_of", "length_of", "name_of", "place_of", "without_headers"]

_BODILESS: Final = (101, 204, 304)


def host_of(url: Any) -> str:
    """The host, with its port where that is not the scheme's own; never the user and password."""
    return f"{url.host}:{url.port}" if url.port is not None else str(url.host)


def place_of(url: Any) -> str:
    """Where a redirect led: without its query, which may be signed."""
    return f"{url.scheme}://{host_of(url)}{url.path}"


def name_of(request: Any) -> str:
    """`GET api.example.com/users/{id}`; without the template of its path, `GET api.example.com`."""
    template = request.extensions.get("path_template")
    return f"{request.method} {host_of(request.url)}{template if isinstance(template, str) else ''}"


def from_request(request: Any, names: Iterable[str]) -> dict[str, Any]:
    """Method, host, path, query, size, and the headers named."""
    url = request.url
    asked: dict[str, Any] = {"method": request.method, "host": host_of(url), "path": url.path}
    if query := url.query:
        asked["query"] = query_pairs(query)
    if size := request.headers.get("content-length"):
        asked["bytes"] = int(size) if size.isdecimal() else size
    if headers := _named(request.headers, names):
        asked["headers"] = headers
    return asked


def from_response(response: Any, names: Iterable[str]) -> dict[str, Any]:
    """Status, content type, and the headers named."""
    answer: dict[str, Any] = {"status": response.status_code}
    if kind := response.headers.get("content-type"):
        answer["content_type"] = kind
    if headers := _named(response.headers, names):
        answer["headers"] = headers
    return answer


def length_of(response: Any) -> int | None:
    """How many bytes the answer has, if it says so, or has none by its kind."""
    if response.request.method == "HEAD" or response.status_code in _BODILESS:
        return 0
    told = response.headers.get("content-length", "")
    return int(told) if told.isdecimal() else None


def without_headers(error: BaseException) -> BaseException:
    """The error to record: one that tells a header with its value is replaced by its like.

    A line break in a key makes `Illegal header value b'...'`, key and all.
    """
    told = str(error)
    if "header value" not in told:
        return error
    kind = type(error)
    like = type(kind.__name__, (Exception,), {"__module__": kind.__module__, "__qualname__": kind.__qualname__})
    replaced: BaseException = like(f"{told.partition('header value')[0]}header value [hidden]")
    return replaced.with_traceback(error.__traceback__)


def _named(headers: Any, names: Iterable[str]) -> dict[str, str]:
    return {name.lower(): value for name in names if (value := headers.get(name)) is not None}
