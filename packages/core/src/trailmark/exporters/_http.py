"""One HTTP request, tried once, and what its outcome means."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from trailmark.errors import ExportError

__all__ = ["Answer", "client", "exchange", "is_loopback", "post", "put_elsewhere"]

CONNECT_S: Final = 2.0
READ_S: Final = 10.0
TOTAL_S: Final = 15.0
MAX_ANSWER: Final = 65_536
GZIP_FROM: Final = 1024
LONGEST_RETRY_AFTER_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Its body was read within bounds."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def client(headers: Mapping[str, str], base: str) -> httpx2.Client:
    """Never follows a redirect with the payload; never sends loopback traffic through a proxy."""
    timeout = httpx2.Timeout(READ_S, connect=CONNECT_S)
    sent = {**headers, "Accept-Encoding": "identity"}
    needs_certificates = base.startswith("https:")  # to read them takes 40 ms
    return httpx2.Client(
        headers=sent,
        timeout=timeout,
        follow_redirects=False,
        trust_env=not is_loopback(base),
        verify=needs_certificates,
    )


def is_loopback(base: str) -> bool:
    """Whether the destination is this machine: no proxy, and nothing gained by compressing."""
    host = base.split("//", 1)[-1]
    return host.startswith(("127.", "localhost", "[::1]"))


def post(
    http: httpx2.Client,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    method: str = "POST",
    compressed: bool = True,
) -> Answer:
    """One try. What may pass later, a redirect included, raises a retryable ExportError; a refusal one that is not."""
    sent = dict(headers)
    if compressed and len(body) >= GZIP_FROM and not is_loopback(url):
        body, sent["Content-Encoding"] = gzip.compress(body, 1), "gzip"
    answer = exchange(http, method, url, body, sent)
    _check(url, answer)
    return answer


def put_elsewhere(url: str, data: bytes) -> str:
    """PUT to a storage the server named, without our headers and keys; its ETag."""
    with client({}, url) as http:
        return post(http, url, data, {}, method="PUT", compressed=False).headers.get("etag", "")


def exchange(
    http: httpx2.Client, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """Any answer, as long as it comes in time and is not endless; otherwise a retryable ExportError."""
    deadline = time.monotonic() + TOTAL_S
    try:
        with http.stream(method, url, content=body or None, headers=headers) as answer:
            text = bytearray()
            for piece in answer.iter_raw():
                text += piece
                if len(text) > MAX_ANSWER or time.monotonic() > deadline:
                    raise ExportError(f"{url}: the answer is too long or too slow", retryable=True)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ExportError(f"no answer from {url}: {type(error).__name__}: {error}", retryable=True) from error
    return Answer(answer.status_code, answer.headers, bytes(text))


def _check(url: str, answer: Answer) -> None:
    status, headers = answer.status, answer.headers
    if 200 <= status < 300:
        if headers.get("content-type", "").startswith("text/html"):  # a login page or captive portal says 200 too
            raise ExportError(f"{url}: {status} with a web page, which is no acknowledgement", retryable=True)
        return
    if status in (401, 403):
        raise ExportError(f"{url}: {status}, the API key is not accepted", retryable=True, pause=True)
    if status in (400, 413, 422):
        raise ExportError(f"{url}: {status} {answer.body[:300].decode(errors='replace')}", retryable=False)
    raise ExportError(f"{url}: {status}", retryable=True, retry_after_s=_retry_after(headers))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the server says, if it says so sensibly; at most five minutes."""
    for name in ("retry-after", "ratelimit-reset"):
        told = headers.get(name, "")
        try:
            seconds = float(told)
        except ValueError:
            seconds = _until(told)
        if 0 <= seconds < float("inf"):
            return min(seconds, LONGEST_RETRY_AFTER_S)
    return None


def _until(http_date: str) -> float:
    try:
        return max(0.0, (parsedate_to_datetime(http_date) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return -1.0
