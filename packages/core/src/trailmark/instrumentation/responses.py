"""A second look at a response's bytes while the user reads them. Changes neither the bytes nor when they come."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

__all__ = ["Watcher", "tee"]


class Watcher(Protocol):
    """Who wants to know what becomes of a response."""

    is_exhausted: bool  # set when the stream ended by itself

    def chunk(self, data: bytes, /) -> None:
        """Bytes on their way to the user. Must not raise."""

    def closed(self, error: BaseException | None = None, /) -> None:
        """The response was read to its end, closed, broken or collected; only the first time counts. Must not raise."""


def tee(response: Any, watcher: Watcher) -> bool:
    """Put ourselves between the response and its stream; the watcher learns of every chunk and of the end.

    False for a response that is none of httpx or httpx2: nothing is changed.
    """
    for name in ("httpx2", "httpx"):
        library: Any = sys.modules.get(name)
        if library is not None and isinstance(response, library.Response):
            is_async = isinstance(response.stream, library.AsyncByteStream)
            response.stream = _tee_class(library, is_async)(response.stream, watcher)
            return True
    return False


@functools.cache
def _tee_class(library: Any, is_async: bool) -> type[Any]:
    base = library.AsyncByteStream if is_async else library.SyncByteStream
    return type("Tee", (_AsyncTee if is_async else _SyncTee, base), {})


class _Tee:
    def __init__(self, inner: Any, watcher: Watcher) -> None:
        self._inner, self._watcher = inner, watcher

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_inner"], name)  # `elapsed` and whatever else the library keeps on its stream

    def __del__(self) -> None:
        self._watcher.closed()


class _SyncTee(_Tee):
    def __iter__(self) -> Iterator[bytes]:
        watcher = self._watcher
        see = watcher.chunk
        try:
            for data in self._inner:
                see(data)
                yield data
        except GeneratorExit:
            raise  # left early: close tells
        except BaseException as error:
            watcher.closed(error)
            raise
        watcher.is_exhausted = True

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._watcher.closed()


class _AsyncTee(_Tee):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        watcher = self._watcher
        see = watcher.chunk
        stream = aiter(self._inner)
        try:
            async for data in stream:
                see(data)
                yield data
        except GeneratorExit:
            raise  # left early: aclose tells
        except BaseException as error:
            watcher.closed(error)
            raise
        finally:
            if inspect.isasyncgen(stream):  # left to the garbage collector it would be closed in another task
                await stream.aclose()
        watcher.is_exhausted = True

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._watcher.closed()
