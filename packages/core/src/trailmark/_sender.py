"""The one thread per process that delivers: batches, retries, isolates refused records, tells the truth in `flush`."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final

from trailmark._guard import fault, say_once
from trailmark._outbox import Outbox
from trailmark.errors import ExportError
from trailmark.exporter import Exporter
from trailmark.wire import superseded

__all__ = ["Sender"]

BATCH_RECORDS: Final = 500
BATCH_BYTES: Final = 1_000_000
BATCH_S: Final = 0.25
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 60.0


class Sender:
    """Started by the first `wake`; everything else happens on its own thread."""

    def __init__(self, outbox: Outbox, connect: Callable[[], Exporter], said: Callable[[Exporter], None]) -> None:
        self.refused = 0
        self._outbox, self._connect, self._said = outbox, connect, said
        self._exporter: Exporter | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._hurry = threading.Event()  # somebody waits in flush, or we stop
        self._idle = threading.Condition()
        self._stopping = False
        self._failures = 0

    def wake(self) -> None:
        """Make sure the thread runs. Never waits."""
        if self._thread is None and not self._stopping and self._starting.acquire(blocking=False):
            try:
                thread = threading.Thread(target=self._run, name="trailmark-sender", daemon=True)
                thread.start()
                self._thread = thread
            except RuntimeError:  # the interpreter is shutting down: `stop` sends what it can
                pass
            finally:
                self._starting.release()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was recorded is acknowledged or refused; False when time ran out."""
        deadline = time.monotonic() + timeout_s
        if not self._outbox.pending():
            return True
        self.wake()
        with self._idle:
            while self._outbox.pending():
                self._hurry.set()
                left = deadline - time.monotonic()
                if left <= 0 or (not self._idle.wait(min(left, 0.1)) and time.monotonic() >= deadline):
                    return not self._outbox.pending()
        return True

    def stop(self, timeout_s: float) -> None:
        """Flush for at most `timeout_s`, then leave the rest to the next process."""
        self.flush(timeout_s)
        self._stopping = True
        self._hurry.set()
        if self._thread is not None:
            self._thread.join(0.2)

    def _run(self) -> None:
        while not self._stopping:
            try:
                wait_s = self._round()
            except Exception as error:  # noqa: BLE001 - the thread must outlive any fault of ours
                fault("delivering spans", error)
                wait_s = LONGEST_WAIT_S
            if wait_s and not self._stopping:
                self._hurry.wait(wait_s)
                if self._failures and self._hurry.is_set():
                    self._hurry.clear()
                    threading.Event().wait(0.05)  # in a hurry, still no hot loop against a dead server
            self._hurry.clear()
        if self._exporter is not None:
            self._exporter.close()

    def _round(self) -> float:
        """One batch. Returns how long to wait before the next round."""
        batch = self._outbox.take(BATCH_RECORDS, BATCH_BYTES)
        if not batch:
            with self._idle:
                self._idle.notify_all()
            return BATCH_S
        try:
            exporter = self._exporter or self._connected()
            self._deliver(exporter, superseded(batch))
        except ExportError as error:
            return self._backoff(error)
        self._failures = 0
        self._outbox.ack()
        with self._idle:
            self._idle.notify_all()
        return 0 if len(batch) >= BATCH_RECORDS else BATCH_S

    def _connected(self) -> Exporter:
        self._exporter = self._connect()
        self._said(self._exporter)
        return self._exporter

    def _deliver(self, exporter: Exporter, batch: list[bytes]) -> None:
        """Deliver all but the records that are refused for good; those are found by halving."""
        try:
            exporter.export(batch)
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
        wait_s: float = min(FIRST_WAIT_S * 2 ** min(self._failures, 10), LONGEST_WAIT_S)
        return max(error.retry_after_s or 0.0, wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
