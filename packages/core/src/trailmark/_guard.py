"""The one place that says "never break the caller": our own faults are logged once, or raised under the test kit."""

from __future__ import annotations

import sys
import threading
from contextlib import AbstractContextManager

__all__ = ["guard", "raise_own_faults", "say", "say_once", "show_tracebacks"]

_said: set[str] = set()
_raising = False
_tracing_back = False


def raise_own_faults(*, on: bool) -> None:
    """Under the `trail` fixture our own faults raise; in production they are said once."""
    global _raising  # noqa: PLW0603 - one switch for the process, set by the test kit alone
    _raising = on


def guard(doing: str) -> AbstractContextManager[None, bool]:
    """Run our own code inside a user's call: what it raises never gets out in production."""
    return _Guard(doing)


class _Guard:  # by hand: a generator's context manager costs several times as much, and every traced call has some
    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):  # none, or one that ends the program
            return False
        fault(self._doing, error)
        return True


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
