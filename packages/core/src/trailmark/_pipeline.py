"""The composition of one destination: settings → recorder → outbox → sender, and what is said about it."""

from __future__ import annotations

import atexit
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from trailmark import spool
from trailmark._disk import DiskOutbox, open_outbox
from trailmark._fork import ForkMark, fork_mark
from trailmark._guard import guard, say, say_once
from trailmark._outbox import MemoryOutbox, Outbox
from trailmark._recorder import Clock, Recorder, Sink, system_clock
from trailmark._sender import Sender
from trailmark._settings import Settings
from trailmark._writer import NoRoomError
from trailmark.exporter import Exporter
from trailmark.exporters import connect
from trailmark.wire import Tail

__all__ = ["FlushResult", "Pipeline"]


_IDLE_OUTBOX = MemoryOutbox()
_IDLE = Sender(_IDLE_OUTBOX, None)  # stand in before the first record; never woken, never put to
_NOT_OPEN = (0,)


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
        sink: Sink | None = None,
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
            redactor=settings.redactor(),
            sampler=settings.sampler,
            keep_errors=settings.keep_errors,
            environment=settings.environment,
            release=settings.release,
            keep_media=settings.capture_media,
            keep_input=settings.capture_input,
            keep_output=settings.capture_output,
        )
        self._outbox: Outbox | None = None
        self._sender = _IDLE
        self._quick_put = _IDLE_OUTBOX.put
        self._mark: ForkMark = _NOT_OPEN
        self._openings: dict[int, tuple[Outbox, Sender, ForkMark]] = {}
        self.has_told = settings.quiet
        self._first = (settings.project_name, "")
        self._link = ""

    def put(self, record: bytes, tail: Tail | None = None, /) -> None:
        """Into the outbox; the sender is woken if it sleeps."""
        if not self._mark[0]:  # the first one of this process
            self._open(self._outbox)
        put = self._quick_put
        try:
            put(record, tail)
        except Exception as error:  # noqa: BLE001 - the outbox knows what it raises
            self._put_after(error, record, tail)
        if self._sender.parked:
            self._sender.wake()

    def _put_after(self, error: Exception, record: bytes, tail: Tail | None) -> None:
        outbox = self._outbox
        if outbox is None or not self._mark[0]:  # closed at exit, while this thread was at it
            outbox = self._open(outbox)
        if isinstance(error, ValueError):  # as a closed one says
            outbox.put(record, tail)
        else:
            outbox.put_after(error, record, tail)

    def tell(self, project: str, trace_id: str) -> None:
        """The one line of a process about where its traces go."""
        if self.has_told:
            return
        self.has_told = True
        if self.settings.url is None:
            look = self.link(trace_id) or "look with: trailmark ui"
            say(f"project {project!r} → {self.settings.home}; {look}")
        else:
            self._first = (project, trace_id)  # said by the sender, once it knows who answers

    def link(self, trace_id: str) -> str | None:
        """Where a person sees that trace; None until the destination answered, or while no page is served here."""
        if self.settings.url is not None:
            return self._link.format(trace_id=trace_id) if self._link else None
        try:
            server = orjson.loads((self.settings.home / "server.json").read_bytes())
            os.kill(server["pid"], 0)
            return f"{server['url'].rstrip('/')}/t/{trace_id}"
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def flush(self, timeout_s: float | None = None) -> FlushResult:
        """Wait for what was recorded so far, at most `timeout_s` (default: the `flush_timeout` setting).

        Where nothing was, for what dead processes left for the same destination.
        """
        if (self._outbox is None or not self._mark[0]) and self._is_something_left():
            self._open(self._outbox)
        if self._outbox is not None and self._mark[0]:
            self._sender.flush(self.settings.flush_timeout if timeout_s is None else timeout_s)
        return self.counts()

    def _is_something_left(self) -> bool:
        url = self.settings.url
        if url is None or self.settings.track_disable:
            return False
        return any(s.destination == url and not s.is_live for s in spool.segments(self.settings.home))

    def counts(self) -> FlushResult:
        outbox = self._outbox
        if outbox is None or not self._mark[0]:
            return FlushResult(0, 0, 0, 0)
        pending, recorded = outbox.pending(), outbox.recorded()
        dropped = outbox.dropped().total() + self._sender.refused
        return FlushResult(recorded, max(0, recorded - pending - dropped), pending, dropped)

    def stats(self) -> dict[str, Any]:
        counts = self.counts()
        return {
            "mode": self._outbox.mode if self._outbox is not None else "idle",
            "destination": self.settings.url or str(self.settings.home),
            "recorded": counts.recorded,
            "delivered": counts.delivered,
            "pending": counts.pending,
            "dropped": counts.dropped,
            "dropped_because": self._reasons(),
            "adoption_failed_because": dict(self._outbox.found()) if isinstance(self._outbox, DiskOutbox) else {},
        }

    def close(self) -> None:
        """Deliver what fits into the flush timeout; the rest stays for the next process."""
        atexit.unregister(self.close)
        if self._outbox is None or not self._mark[0]:  # a forked child leaves the parent's things alone
            return
        sender, outbox = self._sender, self._outbox
        with guard("closing"):
            sender.stop(self.settings.flush_timeout)
            self._outbox, self._sender, self._mark = None, _IDLE, _NOT_OPEN
            self._openings.clear()
            outbox.close()

    def _reasons(self) -> dict[str, int]:
        reasons = Counter(refused=self._sender.refused)
        if self._outbox is not None:
            reasons += self._outbox.dropped()
        return dict(+reasons)

    def _open(self, seen: Outbox | None) -> Outbox:
        """The first record of a process, or of a forked child: its own segments, its own sender.

        Two threads may come at once, having `seen` the same: both open, one wins. There is no lock to wait for, or to
        inherit by a fork.
        """
        outbox = self._new_outbox()
        sender = Sender(outbox, self._connect if self.settings.url else None, self._connected)
        key = id(seen) if seen is not None else 0  # of the parent's, kept alive by the dict
        won, won_sender, mark = self._openings.setdefault(key, (outbox, sender, fork_mark()))
        if won is not outbox:
            outbox.close()
        self._sender, self._outbox, self._quick_put = won_sender, won, won.quick_put
        self._mark = mark  # last: from now on the others hold
        atexit.unregister(self.close)
        atexit.register(self.close)
        return won

    def _new_outbox(self) -> Outbox:
        settings = self.settings
        try:
            return open_outbox(settings.home, settings.url or "", settings.spool_limit, settings.fsync)
        except (OSError, NoRoomError) as error:
            lost = "traces wait in memory until delivered" if settings.url else "traces are lost when the process ends"
            reason = error.strerror if isinstance(error, OSError) else "the disk is full"
            say_once("memory", f"cannot write to {settings.home} ({reason or error}); {lost}")
            return MemoryOutbox()

    def _connect(self) -> Exporter:
        assert self.settings.url is not None
        return connect(self.settings.url, self.settings.api_key, self.settings.workspace, self._report)

    def _report(self) -> dict[str, Any]:
        """Told to a trailmark server with every batch, so that its page can show what was dropped, and why."""
        mode = self._outbox.mode if self._outbox is not None else "idle"
        return {"client": f"{os.uname().nodename}-{os.getpid()}", "mode": mode, "dropped": self._reasons()}

    def _connected(self, exporter: Exporter) -> None:
        self._link = exporter.link
        project, trace_id = self._first
        if trace_id:
            say(f"project {project!r} → {self.settings.url}; {exporter.link.format(trace_id=trace_id)}")
