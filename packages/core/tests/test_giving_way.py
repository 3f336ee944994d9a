"""While the sender works through a batch, the program's threads go on."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from trailmark import wire
from trailmark._outbox import MemoryOutbox
from trailmark._sender import Sender

RECORDS = 50


@pytest.fixture
def nobody_is_interrupted() -> Iterator[None]:
    """Python takes the GIL from no thread: another one runs only when it lets go."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


class Thorough:
    """An exporter that works for a millisecond on each record, and looks at how far the program got meanwhile."""

    link = ""

    def __init__(self) -> None:
        self.steps = 0  # of the program
        self.steps_meanwhile = self.seen = 0
        self.done = threading.Event()

    def export(self, batch: Sequence[bytes]) -> None:
        before = self.steps
        for _ in batch:
            self.seen += 1
            until = time.perf_counter() + 0.001
            while time.perf_counter() < until:
                pass
        self.steps_meanwhile = self.steps - before
        self.done.set()

    def close(self) -> None:
        """Nothing to release."""


@pytest.mark.usefixtures("nobody_is_interrupted")
def test_the_program_goes_on_while_a_batch_is_delivered() -> None:
    outbox, exporter = MemoryOutbox(), Thorough()
    for n in range(RECORDS):
        outbox.put(wire.encode("span", f"{n:032x}", 1, {"name": "step"}))
    sender = Sender(outbox, lambda: exporter)
    sender.wake()
    while exporter.steps < 50_000 and not exporter.done.wait(0.0001):
        exporter.steps += 1
    sender.stop(5)
    assert exporter.seen == RECORDS
    assert exporter.steps_meanwhile >= RECORDS / 2  # 0 or 1 for an exporter that keeps the GIL
