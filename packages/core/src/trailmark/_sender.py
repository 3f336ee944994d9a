"""The one thread per process: delivers batches, retries, isolates refused records, and tends the outbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from trailmark._context import suppress
from trailmark._guard import fault, guard, say_once
from trailmark._native import Signal, start_thread
from trailmark._outbox import Outbox
from trailmark.errors import ExportError
from trailmark.exporter import Exporter
from trailmark.wire import jitter

__all__ = ["Sender"]

BATCH_RECORDS: Final = 500
BATCH_BYTES: Final = 1_000_000
BATCH_S: Final = 0.25
TEND_S: Final = 1.0
IDLE_S: Final = 5.0  # without a record the thread parks until it is woken
PARKED_S: Final = 30.0
END_S: Final = 0.3  # of the time to stop, kept for the thread to end
LEAST_END_S: Final = 0.1
AT_A_TIME_S: Final = 0.0003  # of work; then others may have the GIL
PAUSE_S: Final = 0.0003
FIRST_WAIT_S: Final = 0.5
FLUSH_RETRY_S: Final = 0.25
LONGEST_WAIT_S: Final = 60.0


class _Batch(list[bytes]):
    """Gives way to other threads now and then while somebody goes through it."""

    def __init__(self, records: Iterable[bytes], give_way: Callable[[], None]) -> None:
        super().__init__(records)
        self._give_way = give_way

    def __iter__(self) -> Iterator[bytes]:
        until = time.monotonic() + AT_A_TIME_S
        for record in super().__iter__():
            yield record
            if time.monotonic() > until:
                self._give_way()
                until = time.monotonic() + AT_A_TIME_S


class Sender:
    """Started by the first `wake`. Without `connect` it only tends the outbox (local mode)."""

    def __init__(
        self, outbox: Outbox, connect: Callable[[], Exporter] | None, said: Callable[[Exporter], None] | None = None
    ) -> None:
        self.refused = 0
        self.parked = True  # put looks here, and wakes us
        self._outbox, self._connect, self._said = outbox, connect, said
        self._exporter: Exporter | None = None
        self._started = False
        self._ended = False
        self._pause = Signal()  # never set
        self._hurry = Signal()  # a record after a pause, a flush, or the end
        self._flushing = 0
        self._stopping = False
        self._failures = 0
        self._resume_at = 0.0
        self._patient = False  # told to wait: a flush does not change that
        self._seen = -1
        self._seen_at = self._tended_at = 0.0
        outbox.listen(self._tend_soon)

    def wake(self) -> None:
        """Make sure the thread runs and looks. Never waits."""
        self.parked = False
        if self._started:
            self._hurry.set()
        elif not self._stopping:
            self._started = True
            try:
                start_thread(self._run)
            except RuntimeError:  # the interpreter is shutting down: `stop` delivers what it can
                self._started = False

    def _tend_soon(self) -> None:
        self._tended_at = 0.0
        if self._started:
            self._hurry.set()

    def flush(self, timeout_s: float) -> None:
        """Wait until what was recorded before this call is acknowledged or refused, at most `timeout_s`.

        A process that recorded nothing waits for what dead ones left.
        """
        deadline = time.monotonic() + timeout_s
        if self._connect is not None and self._outbox.pending():
            self._flush_own(deadline)
        elif self._connect is not None and not self._outbox.recorded() and self._outbox.has_backlog():
            self.wake()
            self._deliver_left(deadline)

    def _flush_own(self, deadline: float) -> None:
        enough = self._outbox.sweeps + 2  # the one under way may have passed our records already
        pause = threading.Event()
        self._flushing += 1
        if not self._patient:
            self._resume_at = min(self._resume_at, time.monotonic() + FLUSH_RETRY_S)
        try:
            self.wake()
            while self._outbox.pending() and self._outbox.sweeps < enough and time.monotonic() < deadline:
                self._hurry.set()
                if not self._started:
                    self._deliver_inline(deadline)
                    return
                pause.wait(min(0.005, max(0.0, deadline - time.monotonic())))
        finally:
            self._flushing -= 1

    def stop(self, timeout_s: float) -> None:
        """Flush and end the thread, in `timeout_s` at most; the rest is for the next process."""
        pause, last = threading.Event(), time.monotonic() + timeout_s
        deadline = last - min(END_S, timeout_s / 2)
        self.flush(deadline - time.monotonic())
        self._deliver_left(deadline)  # the time that is left goes to what others left
        self._stopping = True
        self._hurry.set()
        last = max(last, time.monotonic() + LEAST_END_S)
        while self._started and not self._ended and time.monotonic() < last:
            pause.wait(0.005)
        if self._ended and not self._failures and self._outbox.interrupt_open():
            self._round()
        if self._exporter is not None:
            self._exporter.close()

    def _deliver_left(self, deadline: float) -> None:
        """Wait for what dead processes left, as long as it goes well."""
        pause = threading.Event()
        while self._started and self._outbox.has_backlog() and not self._failures and time.monotonic() < deadline:
            self._tend_soon()
            pause.wait(0.005)

    def _deliver_inline(self, deadline: float) -> None:
        """No thread can be started any more (the interpreter is ending): deliver here."""
        while self._outbox.pending() and time.monotonic() < deadline and self._round() < LONGEST_WAIT_S:
            if self._failures:
                return

    def _run(self) -> None:
        while not self._stopping:
            try:
                wait_s = self._step()
            except Exception as error:  # noqa: BLE001 - the thread must outlive any fault of ours
                fault("delivering spans", error)
                wait_s = LONGEST_WAIT_S
            if wait_s and not self._stopping:
                self._hurry.wait(wait_s)
        self._ended = True

    def _step(self) -> float:
        """Tend and deliver. Returns how long to wait before the next step."""
        now = time.monotonic()
        if now - self._tended_at >= TEND_S:
            self._tended_at = now
            with guard("tending the spool"):
                self._outbox.tend()
        recorded = self._outbox.recorded()
        if recorded != self._seen:
            self._seen, self._seen_at = recorded, now
        wait_s = TEND_S
        if self._connect is not None:
            if now < self._resume_at:
                return min(self._resume_at - now, TEND_S)
            wait_s = self._round()
        if wait_s and now - self._seen_at > IDLE_S and not self._failures:
            self.parked = True
            if self._outbox.recorded() == self._seen:  # nobody put before parked was seen
                return PARKED_S
            self.parked = False
        return wait_s

    def _round(self) -> float:
        """One batch. Returns how long to wait before the next."""
        batch = self._outbox.take(2 * BATCH_RECORDS, BATCH_BYTES)
        if not batch:
            return BATCH_S
        self._give_way()
        try:
            exporter = self._exporter or self._connected()
            for start in range(0, len(batch), BATCH_RECORDS):
                self._deliver(exporter, batch[start : start + BATCH_RECORDS])
        except ExportError as error:
            return self._backoff(error)
        self._failures = 0
        self._resume_at = 0.0
        self._give_way()
        self._outbox.ack()
        return 0 if self._flushing or len(batch) >= BATCH_RECORDS else BATCH_S

    def _give_way(self) -> None:
        """Python hands the GIL over after 5 ms only: a server's loop would wait as long after each of its calls."""
        if not (self._flushing or self._stopping):
            self._pause.wait(PAUSE_S)

    def _connected(self) -> Exporter:
        assert self._connect is not None
        with suppress():
            self._exporter = self._connect()
        if self._said is not None:
            self._said(self._exporter)
        return self._exporter

    def _deliver(self, exporter: Exporter, batch: list[bytes]) -> None:
        """Deliver all but the records that are refused for good; those are found by halving."""
        try:
            with suppress():  # no wider: a finaliser of the program's that runs in this thread may record
                exporter.export(_Batch(batch, self._give_way))
        except ExportError as error:
            if error.retryable:
                raise
            if error.refused is not None or len(batch) == 1:
                self.refused += len(error.refused or batch)
                say_once("refused", f"the server refused a record, it is dropped and counted: {error}")
                return
            half = len(batch) // 2
            self._deliver(exporter, batch[:half])
            self._deliver(exporter, batch[half:])

    def _backoff(self, error: ExportError) -> float:
        self._failures += 1
        say_once("undelivered", f"{error}; spans wait on disk and are delivered later")
        self._patient = error.pause or error.retry_after_s is not None
        longest = LONGEST_WAIT_S if error.pause else min(FIRST_WAIT_S * 2 ** min(self._failures, 10), LONGEST_WAIT_S)
        wait_s = max(error.retry_after_s or 0.0, longest * jitter(0.5, 1.0))
        if self._flushing and not self._patient:  # somebody waits: ask more often, still without a hot loop
            wait_s = min(FLUSH_RETRY_S, wait_s)
        self._resume_at = time.monotonic() + wait_s
        return min(wait_s, TEND_S)
