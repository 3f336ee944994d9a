"""To a trailmark server: the spool's records unchanged, as NDJSON. Lossless and nearly free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from trailmark.errors import ExportError
from trailmark.exporters._http import post

if TYPE_CHECKING:
    import httpx2

__all__ = ["NativeExporter", "Report"]

Report: TypeAlias = Callable[[], dict[str, Any]]  # what the process says of itself: mode, drops by reason


class NativeExporter:
    """POSTs batches to `/api/v1/ingest`."""

    def __init__(self, client: httpx2.Client, base: str, report: Report | None = None) -> None:
        self._client, self._report = client, report
        self.link = base + "/t/{trace_id}"
        self._url = f"{base}/api/v1/ingest"

    def export(self, batch: Sequence[bytes]) -> None:
        headers = {"Content-Type": "application/x-ndjson"}
        if self._report is not None:
            headers["X-Trailmark-Client"] = orjson.dumps(self._report()).decode()
        answer = post(self._client, self._url, b"\n".join(batch) + b"\n", headers)
        if "x-trailmark" not in answer.headers:  # a captive portal says 200 too
            raise ExportError(f"{self._url}: the answer is not from a trailmark server", retryable=True)
        try:
            refused = orjson.loads(answer.body)["rejected"]
            indexes = tuple(int(item["index"]) for item in refused)
        except (ValueError, KeyError, TypeError) as error:
            raise ExportError(f"{self._url}: an answer that is none: {answer.body[:100]!r}", retryable=True) from error
        if refused:
            raise ExportError(f"{self._url}: {refused[0]}", retryable=False, refused=indexes)

    def close(self) -> None:
        self._client.close()
