"""The one place that says "never break the caller": our own faults are logged once, or raised under the test kit."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["guard", "raise_own_faults", "say", "say_once", "show_tracebacks"]

_said: set[str] = set()
_raising = False
_tracing_back = False


def raise_own_faults(*, on: bool) -> None:
    """Under the `trail` fixture our own faults raise; in production they are said once."""
    global _raising  # noqa: PLW0603 - one switch for the process, set by the test kit alone
    _raising = on


@contextmanager
def guard(doing: str) -> Iterator[None]:
    """Run our own code inside a user's call: what it raises never gets out in production."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the seam: whatever a hostile value or our own bug raises stops here
        fault(doing, error)


def show_tracebacks(*, on: bool) -> None:
    """The `debug` setting: every fault of our own with its traceback."""
    global _tracing_back  # noqa: PLW0603 - one switch for the process
    _tracing_back = on


def fault(doing: str, error: Exception) -> None:
    """Report a fault of our own: raised under the test kit, one line per kind of fault otherwise."""
    if _raising:
        raise error
    if _tracing_back:
        import traceback

        say("".join(traceback.format_exception(error)).rstrip())
    say_once(f"{doing}:{type(error).__name__}", f"{doing} failed: {type(error).__name__}: {error}; the program goes on")


def say_once(key: str, text: str) -> None:
    """One line on stderr, the first time this key comes up."""
    if key not in _said:
        _said.add(key)
        say(text)


def say(text: str) -> None:
    """One line on stderr; a closed stderr is no reason to fail."""
    stream = sys.stderr
    if stream is None or threading.main_thread() is None:
        return
    try:
        stream.write(f"trailmark: {text}\n")
    except (OSError, ValueError):
        return
