"""Real threads, also where gevent has replaced them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

__all__ = ["Signal", "start_thread"]


def start_thread(run: Callable[[], None]) -> None:
    """A thread that ends with the process, unknown to `threading`: gevent may replace that while the thread runs.

    Raises RuntimeError when the interpreter is ending.
    """
    import _thread

    monkey = sys.modules.get("gevent.monkey")
    start = monkey.get_original("_thread", "start_new_thread") if monkey is not None else _thread.start_new_thread
    start(run, ())


class Signal:
    """Wakes one waiting thread. Unlike an Event it holds no lock inside, so a signal handler may set it at any time."""

    def __init__(self) -> None:
        import _thread

        monkey = sys.modules.get("gevent.monkey")
        make = monkey.get_original("_thread", "allocate_lock") if monkey is not None else _thread.allocate_lock
        self._lock = make()
        self._lock.acquire()

    def set(self) -> None:
        with contextlib.suppress(RuntimeError):  # set already
            self._lock.release()

    def wait(self, timeout_s: float) -> None:
        """Until it is set, at most `timeout_s`; takes the setting back."""
        self._lock.acquire(timeout=timeout_s)
