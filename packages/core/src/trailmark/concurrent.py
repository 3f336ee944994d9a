"""A thread pool whose work belongs to the span it was submitted from."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from trailmark.context import copy_to_thread

__all__ = ["ThreadPoolExecutor"]

P = ParamSpec("P")
R = TypeVar("R")


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """The standard pool; spans of what `submit` and `map` run nest under the span of the caller."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> concurrent.futures.Future[R]:
        """As the standard one; also for `loop.run_in_executor(pool, …)`."""
        bound: Callable[..., Any] = copy_to_thread(fn)
        return super().submit(bound, *args, **kwargs)
