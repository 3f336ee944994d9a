"""Where encoded records wait: the seam, and memory as its last resort."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Protocol

from trailmark.wire import Tail, joined, newest, version_of

__all__ = ["MEMORY_BYTES", "MemoryOutbox", "Outbox", "Put", "Tally"]

MEMORY_BYTES: Final = 8 * 1024 * 1024


class Tally:
    """A count that many threads may `add` one to at once: `+=` would lose some."""

    __slots__ = ("_count", "add")

    def __init__(self) -> None:
        self._count = itertools.count()
        self.add = self._count.__next__

    @property
    def value(self) -> int:
        return int(repr(self._count)[6:-1])  # the only way to look at a count without moving it


class Put(Protocol):
    """As `Outbox.put`."""

    def __call__(self, record: bytes, tail: Tail | None = None, /) -> None: ...


class Outbox(Protocol):
    """`put` from any thread, never waiting; all else from the sender, and from `close` when that has ended."""

    mode: str  # mmap, write or memory

    @property
    def sweeps(self) -> int:
        """How often `take` has been through everything this process wrote."""

    def put(self, record: bytes, tail: Tail | None = None, /) -> None:
        """`tail`: the end of the record, where it is large and several records share it."""

    @property
    def quick_put(self) -> Put:
        """As `put` with fewer steps, but it may raise: what it raised is for `put_after`."""

    def put_after(self, error: Exception, record: bytes, tail: Tail | None, /) -> None:
        """Put in the second way what `quick_put` refused. Raises the error again if that was a fault."""

    def listen(self, call: Callable[[], None], /) -> None:
        """`call` is called, from any thread, when `tend` is due before its time."""

    def take(self, limit: int, limit_bytes: int) -> list[bytes]:
        """Up to `limit` records, without those that later ones replace; the same again until they are acknowledged."""

    def ack(self) -> None:
        """What was last taken has arrived: forget it."""

    def tend(self) -> None:
        """Housekeeping, called every second or so: sync, make room ahead, adopt."""

    def has_backlog(self) -> bool:
        """Whether something that dead processes left is still to be delivered."""

    def interrupt_open(self) -> bool:
        """Put a last word for spans that were delivered as running and will not end; whether there were any."""

    def recorded(self) -> int:
        """Records put by this process."""

    def pending(self) -> int:
        """Of those, not yet acknowledged and not dropped."""

    def dropped(self) -> Counter[str]:
        """Of those, given up, by reason."""

    def close(self) -> None: ...


class MemoryOutbox:
    """Bounded by bytes; the newest are dropped and counted. `put` is safe in signal handlers: it holds no lock."""

    mode = "memory"

    def __init__(self, limit_bytes: int = MEMORY_BYTES) -> None:
        self._limit = limit_bytes
        self._in = self._out = 0  # bytes put, bytes taken away
        self._recorded = self.acked = 0
        self._waiting: deque[bytes] = deque()
        self._taken = self.sweeps = 0
        self._dropped: Counter[str] = Counter()

    def put(self, record: bytes, tail: Tail | None = None, /) -> None:
        self._recorded += 1
        record = joined(record, tail)
        if self._in - self._out + len(record) > self._limit:
            self._dropped["full"] += 1
            return
        self._in += len(record)
        self._waiting.append(record)

    quick_put = put

    def put_after(self, error: Exception, _record: bytes, _tail: Tail | None, /) -> None:
        raise error

    def listen(self, call: Callable[[], None], /) -> None:
        """Nothing is ever urgent."""

    def take(self, limit: int, limit_bytes: int) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        for n in range(min(limit, len(self._waiting))):
            record = self._waiting[n]
            size += len(record)
            if batch and size > limit_bytes:
                break
            batch.append(record)
        self._taken = len(batch)
        self.sweeps += not batch
        return newest(batch, [version_of(record) for record in batch])

    def ack(self) -> None:
        for _ in range(self._taken):
            self._out += len(self._waiting.popleft())
        self.acked += self._taken
        self._taken = 0

    def tend(self) -> None:
        """Nothing to do."""

    def has_backlog(self) -> bool:
        return False

    def interrupt_open(self) -> bool:
        return False

    def recorded(self) -> int:
        return self._recorded

    def pending(self) -> int:
        return len(self._waiting)

    def dropped(self) -> Counter[str]:
        return self._dropped

    def close(self) -> None:
        self._dropped["lost at exit"] += len(self._waiting)
        self._waiting.clear()
