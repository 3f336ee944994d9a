"""The composition of one destination: settings → recorder → outbox → sender, and what is said about it."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trailmark._guard import guard, say, say_once
from trailmark._outbox import FileOutbox, MemoryOutbox, Outbox
from trailmark._recorder import Clock, Recorder, system_clock
from trailmark._sender import Sender
from trailmark._settings import Settings
from trailmark.exporter import Exporter
from trailmark.exporters import connect

__all__ = ["FlushResult", "Pipeline"]


@dataclass(frozen=True, slots=True)
class FlushResult:
    """Counts of records since the process (or its fork) began. True when nothing is pending or dropped."""

    recorded: int
    delivered: int  # acknowledged by the destination; in local mode: on disk
    pending: int
    dropped: int

    def __bool__(self) -> bool:
        return not self.pending and not self.dropped


class Pipeline:
    """Everything behind one destination. Opens its file with the first record, not before."""

    def __init__(
        self,
        settings: Settings,
        *,
        sink: Callable[[bytes], None] | None = None,
        new_id: Callable[[], str] | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.settings = settings
        self.recorder = Recorder(
            sink or self.put,
            project=settings.project_name,
            sample_rate=settings.sample_rate,
            new_id=new_id,
            clock=clock,
        )
        self._outbox: Outbox | None = None
        self._sender: Sender | None = None
        self._pid = os.getpid()
        self._told = False
        self._first = (settings.project_name, "")

    def put(self, record: bytes) -> None:
        """Into the outbox; the sender is woken when there is somewhere to go."""
        outbox = self._outbox
        if outbox is None or self._pid != os.getpid():
            outbox = self._open()
        outbox.put(record)
        if self._sender is not None:
            self._sender.wake()

    def tell(self, project: str, trace_id: str) -> None:
        """The one line of a process about where its traces go."""
        if self._told or self.settings.quiet:
            return
        self._told = True
        if self.settings.url is None:
            say(f"project {project!r} → {self.settings.home}; {self._how_to_look(trace_id)}")
        else:
            self._first = (project, trace_id)  # said by the sender, once it knows who answers

    def flush(self, timeout_s: float | None = None) -> FlushResult:
        """Wait for what was recorded so far, at most `timeout_s` (default: the `flush_timeout` setting)."""
        if self._sender is not None:
            self._sender.flush(self.settings.flush_timeout if timeout_s is None else timeout_s)
        return self.counts()

    def counts(self) -> FlushResult:
        outbox, sender = self._outbox, self._sender
        if outbox is None:
            return FlushResult(0, 0, 0, 0)
        refused = sender.refused if sender is not None else 0
        pending = outbox.pending() if sender is not None else 0
        dropped = outbox.dropped + refused
        return FlushResult(outbox.recorded, max(0, outbox.recorded - pending - dropped), pending, dropped)

    def stats(self) -> dict[str, Any]:
        counts = self.counts()
        return {
            "mode": self._outbox.mode if self._outbox is not None else "idle",
            "destination": self.settings.url or str(self.settings.home),
            "recorded": counts.recorded,
            "delivered": counts.delivered,
            "pending": counts.pending,
            "dropped": counts.dropped,
        }

    def close(self) -> None:
        """Deliver what fits into the flush timeout; the rest stays for the next process."""
        atexit.unregister(self.close)
        if self._pid != os.getpid():  # a forked child that recorded nothing leaves the parent's things alone
            return
        outbox, self._outbox = self._outbox, None
        sender, self._sender = self._sender, None
        with guard("closing"):
            if sender is not None:
                sender.stop(self.settings.flush_timeout)
            if outbox is not None:
                outbox.close()

    def _open(self) -> Outbox:
        """The first record of a process, or of a forked child: its own file, its own sender."""
        self._pid = os.getpid()
        try:
            outbox: Outbox = FileOutbox(self.settings.home, self.settings.url or "", self.settings.spool_limit)
        except OSError as error:
            outbox = MemoryOutbox()
            lost = (
                "traces are kept in memory until delivered"
                if self.settings.url
                else "traces are lost when the process ends"
            )
            say_once("memory", f"cannot write to {self.settings.home} ({error.strerror or error}); {lost}")
        self._outbox = outbox
        if self.settings.url is not None:
            self._sender = Sender(outbox, self._connect, self._connected)
        atexit.unregister(self.close)
        atexit.register(self.close)
        return outbox

    def _connect(self) -> Exporter:
        assert self.settings.url is not None
        return connect(self.settings.url, self.settings.api_key, self.settings.workspace)

    def _connected(self, exporter: Exporter) -> None:
        project, trace_id = self._first
        if trace_id:
            say(f"project {project!r} → {self.settings.url}; {exporter.link.format(trace_id=trace_id)}")

    def _how_to_look(self, trace_id: str) -> str:
        try:
            server = json.loads((self.settings.home / "server.json").read_text())
            os.kill(server["pid"], 0)
            return f"{server['url'].rstrip('/')}/t/{trace_id}"
        except (OSError, ValueError, KeyError, TypeError):
            return "look with: trailmark ui"
