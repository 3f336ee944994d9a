"""A second look at a response's bytes while the user reads them. Changes neither the bytes nor when they come."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trailmark_openai._call import Call

__all__ = ["tee"]


def tee(response: Any, call: Call) -> bool:
    """Put ourselves between the response and its stream; the call learns of every chunk and of the end.

    False for a response that is none of httpx or httpx2: nothing is changed.
    """
    for name in ("httpx2", "httpx"):
        library: Any = sys.modules.get(name)
        if library is not None and isinstance(response, library.Response):
            is_async = isinstance(response.stream, library.AsyncByteStream)
            response.stream = _tee_class(library, is_async)(response.stream, call)
            return True
    return False


@functools.cache
def _tee_class(library: Any, is_async: bool) -> type[Any]:
    base = library.AsyncByteStream if is_async else library.SyncByteStream
    return type("Tee", (_AsyncTee if is_async else _SyncTee, base), {})


class _Tee:
    def __init__(self, inner: Any, call: Call) -> None:
        self._inner, self._call = inner, call

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_inner"], name)  # `elapsed` and whatever else the library keeps on its stream

    def __del__(self) -> None:
        self._call.closed()


class _SyncTee(_Tee):
    def __iter__(self) -> Iterator[bytes]:
        call = self._call
        see = call.chunk
        try:
            for data in self._inner:
                see(data)
                yield data
        except GeneratorExit:
            raise  # left early: close tells
        except BaseException as error:
            call.closed(error)
            raise
        call.is_exhausted = True

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._call.closed()


class _AsyncTee(_Tee):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        call = self._call
        see = call.chunk
        try:
            async for data in self._inner:
                see(data)
                yield data
        except GeneratorExit:
            raise  # left early: aclose tells
        except BaseException as error:
            call.closed(error)
            raise
        call.is_exhausted = True

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._call.closed()
