"""Which exporter speaks to a destination: asked once, by the ping answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailmark.errors import ExportError
from trailmark.exporter import Exporter

__all__ = ["connect"]


def connect(
    url: str, api_key: str | None, workspace: str, report: Callable[[], dict[str, Any]] | None = None
) -> Exporter:
    """The native exporter for a trailmark server, Opik's for anything else; no answer raises ExportError."""
    from importlib.metadata import version

    from trailmark.exporters import _http
    from trailmark.exporters.native import NativeExporter
    from trailmark.exporters.opik import OpikExporter

    base = url.rstrip("/").removesuffix("/api")
    headers = {"Comet-Workspace": workspace, "User-Agent": f"trailmark/{version('trailmark')}"}
    if api_key:
        headers["Authorization"] = api_key
    client = _http.client(headers, base)
    try:
        answer = _http.exchange(client, "GET", f"{base}/api/is-alive/ping")
    except ExportError:
        client.close()
        raise
    if "x-trailmark" in answer.headers:
        return NativeExporter(client, base, report)
    return OpikExporter(client, f"{base}/api")
