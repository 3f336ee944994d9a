"""Which exporter speaks to a destination: asked once, by the ping answer."""

from __future__ import annotations

from trailmark.errors import ExportError
from trailmark.exporter import Exporter

__all__ = ["connect"]


def connect(url: str, api_key: str | None, workspace: str) -> Exporter:
    """The native exporter for a trailmark server, Opik's for anything else; no answer raises ExportError."""
    from importlib.metadata import version

    import httpx2

    from trailmark.exporters import _http
    from trailmark.exporters.native import NativeExporter
    from trailmark.exporters.opik import OpikExporter

    base = url.rstrip("/").removesuffix("/api")
    headers = {"Comet-Workspace": workspace, "User-Agent": f"trailmark/{version('trailmark')}"}
    if api_key:
        headers["Authorization"] = api_key
    client = _http.client(headers, base)
    try:
        answer = client.get(f"{base}/api/is-alive/ping")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        client.close()
        raise ExportError(f"no answer from {base}: {type(error).__name__}", retryable=True) from error
    if "x-trailmark" in answer.headers:
        return NativeExporter(client, base)
    return OpikExporter(client, f"{base}/api")
