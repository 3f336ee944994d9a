"""Which exporter speaks to a destination: asked once, by the ping answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trailmark.errors import ExportError
from trailmark.exporter import Exporter

if TYPE_CHECKING:
    import httpx2

__all__ = ["connect", "post"]

CONNECT_S = 2.0
TOTAL_S = 15.0


def connect(url: str, api_key: str | None, workspace: str) -> Exporter:
    """The native exporter for a trailmark server, Opik's for anything else; no answer raises ExportError."""
    from importlib.metadata import version

    import httpx2

    from trailmark.exporters.native import NativeExporter
    from trailmark.exporters.opik import OpikExporter

    base = url.rstrip("/").removesuffix("/api")
    headers = {"Comet-Workspace": workspace, "User-Agent": f"trailmark/{version('trailmark')}"}
    if api_key:
        headers["Authorization"] = api_key
    client = httpx2.Client(
        headers=headers,
        timeout=httpx2.Timeout(TOTAL_S, connect=CONNECT_S),
        follow_redirects=False,
        trust_env=not _loopback(base),
    )
    try:
        answer = client.get(f"{base}/api/is-alive/ping")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        client.close()
        raise ExportError(f"no answer from {base}: {type(error).__name__}", retryable=True) from error
    if "x-trailmark" in answer.headers:
        return NativeExporter(client, base)
    return OpikExporter(client, f"{base}/api")


def _loopback(base: str) -> bool:
    host = base.split("//", 1)[-1]
    return host.startswith(("127.", "localhost", "[::1]"))


def post(
    client: httpx2.Client, url: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST"
) -> httpx2.Response:
    """One try. Any failure that may pass later, redirects included, raises a retryable ExportError."""
    import gzip

    import httpx2

    sent = dict(headers)
    if len(body) >= 1024:
        body, sent["Content-Encoding"] = gzip.compress(body, 1), "gzip"
    try:
        answer = client.request(method, url, content=body, headers=sent)
    except httpx2.HTTPError as error:
        raise ExportError(f"{url}: {type(error).__name__}: {error}", retryable=True) from error
    status = answer.status_code
    if status in (401, 403):
        raise ExportError(f"{url}: {status}, the API key is not accepted", retryable=True, pause=True)
    if status in (400, 413, 422):
        raise ExportError(f"{url}: {status} {answer.text[:300]}", retryable=False)
    if not 200 <= status < 300:
        raise ExportError(f"{url}: {status}", retryable=True, retry_after_s=_retry_after(answer.headers))
    return answer


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for name in ("retry-after", "ratelimit-reset"):
        try:
            seconds = float(headers.get(name, ""))
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return min(seconds, 300.0)
    return None
