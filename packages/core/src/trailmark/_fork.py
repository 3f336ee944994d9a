"""Notices that this is another process now: also after a fork in C that runs no Python hook (uWSGI)."""

from __future__ import annotations

import mmap
import os
from typing import Final, Protocol

__all__ = ["ForkMark", "fork_mark"]

_WIPE_ON_FORK: Final = 18  # MADV_WIPEONFORK, Linux 4.14: the child finds zeros in the page


class ForkMark(Protocol):
    """`mark[0]` is true in the process that made it, false in its forked children."""

    def __getitem__(self, index: int, /) -> int: ...


class _Pid:
    """Where the kernel does not wipe pages: a system call a look."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def __getitem__(self, index: int, /) -> int:
        return os.getpid() == self._pid


def fork_mark() -> ForkMark:
    """A mark of the current process; a look costs some 20 ns, getpid ten times that."""
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page.madvise(_WIPE_ON_FORK)
    except (OSError, AttributeError):  # not Linux, or no memory map to be had
        return _Pid()
    page[0] = 1
    return page
