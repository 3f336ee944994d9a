"""What clients say of themselves with every batch: how they keep their spans, and what they had to drop."""

from __future__ import annotations

import json
import re
import time
from collections import Counter, OrderedDict
from typing import Any, Final

from trailmark_server.workspaces import current

__all__ = ["HEADER", "Clients"]

HEADER: Final = "x-trailmark-client"
MOST: Final = 1000
MAX_REPORT: Final = 2000
_AGENT: Final = re.compile(r"trailmark/([\w.+-]{1,40})")


class Clients:
    """The newest report of each client, in memory: clients repeat it, so nothing is lost with a restart."""

    def __init__(self) -> None:
        self._of: dict[str, OrderedDict[str, dict[str, Any]]] = {}  # by workspace
        self._last: dict[str, tuple[int, int]] = {}  # by workspace: when records came last, and how old they were

    @property
    def _reports(self) -> OrderedDict[str, dict[str, Any]]:
        return self._of.setdefault(current.get(), OrderedDict())

    def dropped(self) -> dict[str, int]:
        """By reason, of all workspaces."""
        reports = [report for known in list(self._of.values()) for report in list(known.values())]
        sums: Counter[str] = Counter()
        for report in reports:
            sums.update(report["dropped"])
        return {re.sub(r"[^\w-]", "_", reason)[:40]: n for reason, n in sums.items()}

    def heard(self, report: str, agent: str = "") -> None:
        """Keep a report, and the version its sender's `User-Agent` names; what is none is ignored: the batch it came
        with counts all the same."""
        try:
            told = json.loads(report[:MAX_REPORT])
            dropped = {str(reason): int(count) for reason, count in told["dropped"].items()}
            client, mode = str(told["client"]), str(told["mode"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        version = _AGENT.match(agent)
        self._reports[client] = {
            "client": client, "mode": mode, "version": version[1] if version else "", "dropped": dropped,
            "seen_us": time.time_ns() // 1000,
        }  # fmt: skip
        self._reports.move_to_end(client)
        while len(self._reports) > MOST:
            self._reports.popitem(last=False)

    def arrived(self, records: list[dict[str, Any]]) -> None:
        """A batch was stored: how late it came, by the clock of who recorded it."""
        made = [record.get("end_us") or record.get("start_us") or 0 for record in records]
        if newest := max(made, default=0):
            now = time.time_ns() // 1000
            self._last[current.get()] = (now, max(0, now - newest))

    def lateness(self) -> dict[str, int | None]:
        """`last_us`: when records came last; `late_us`: how old the newest of them was then; None before the first."""
        last, late = self._last.get(current.get(), (None, None))
        return {"last_us": last, "late_us": late}

    def shown(self) -> list[dict[str, Any]]:
        """Newest first."""
        return list(reversed(self._reports.values()))
