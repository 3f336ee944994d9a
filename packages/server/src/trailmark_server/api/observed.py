"""What the server counts of its own work, as Prometheus reads it, and a line in the log for each request.

Neither holds anything that was recorded: no bodies, no queries, no headers.
"""

from __future__ import annotations

import logging
import resource
import threading
import time
from collections import Counter
from typing import Any, Final

__all__ = ["Observed"]

_BUCKETS: Final = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
_AREAS: Final = (
    ("/api/v1/ingest", "ingest"), ("/api/v1/private", "opik"), ("/v1/private", "opik"), ("/api/v1/otlp", "otlp"),
    ("/v1/traces", "otlp"), ("/api/otel", "otlp"), ("/api/", "read"),
)  # fmt: skip
log = logging.getLogger("trailmark.server.requests")


class Observed:
    """Counts requests by area and status; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.time()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._within: Counter[tuple[str, float]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._records: Counter[str] = Counter()

    def request(self, scope: Any, status: int, seconds: float, workspace: str, id: str) -> None:
        """One was answered; status 0: its asker went away."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        area = next((name for head, name in _AREAS if path.startswith(head)), "page")
        with self._lock:
            self._requests[area, scope["method"], status] += 1
            self._seconds[area] += seconds  # type: ignore[assignment]
            for bound in _BUCKETS:
                if seconds <= bound:
                    self._within[area, bound] += 1
        if log.isEnabledFor(logging.INFO):
            told = {"method": scope["method"], "path": path, "status": status, "ms": round(seconds * 1000, 1),
                    "workspace": workspace, "request_id": id}  # fmt: skip
            log.info("request", extra={"fields": told})

    def records(self, accepted: int, rejected: int) -> None:
        """A batch of the native route."""
        with self._lock:
            self._records["accepted"] += accepted
            self._records["rejected"] += rejected

    def text(self, gauges: dict[str, dict[str, float]]) -> str:
        """Prometheus' text format. `gauges`: by name, by labels."""
        with self._lock:
            requests, within, seconds = dict(self._requests), dict(self._within), dict(self._seconds)
            records = dict(self._records)
        lines = ["# TYPE trailmark_requests_total counter"]
        lines += [
            f'trailmark_requests_total{{area="{area}",method="{_escaped(method)}",status="{status}"}} {n}'
            for (area, method, status), n in sorted(requests.items())
        ]
        lines.append("# TYPE trailmark_request_seconds histogram")
        for area in sorted(seconds):
            n = sum(count for (of, _, _), count in requests.items() if of == area)
            lines += [
                f'trailmark_request_seconds_bucket{{area="{area}",le="{b}"}} {within.get((area, b), 0)}'
                for b in _BUCKETS
            ]
            lines += [f'trailmark_request_seconds_bucket{{area="{area}",le="+Inf"}} {n}',
                      f'trailmark_request_seconds_sum{{area="{area}"}} {seconds[area]:.6f}',
                      f'trailmark_request_seconds_count{{area="{area}"}} {n}']  # fmt: skip
        lines.append("# TYPE trailmark_records_total counter")
        lines += [f'trailmark_records_total{{outcome="{name}"}} {n}' for name, n in sorted(records.items())]
        usage = resource.getrusage(resource.RUSAGE_SELF)
        own = {"process_start_time_seconds": self._began, "process_cpu_seconds": usage.ru_utime + usage.ru_stime,
               "process_max_resident_bytes": usage.ru_maxrss * 1024.0}  # fmt: skip
        for name, values in ({f"trailmark_{key}": {"": value} for key, value in own.items()} | gauges).items():
            lines.append(f"# TYPE {name} gauge")
            lines += [
                f"{name}{labels} {value:g}" if value < 1e6 else f"{name}{labels} {value:.3f}"
                for labels, value in values.items()
            ]
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join(c for c in text if c.isalnum())[:20]
