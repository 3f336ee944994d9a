"""A tracked generator, step by step, between its caller and the bare one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncGenerator, Awaitable, Generator
from typing import TYPE_CHECKING, Any, Protocol

from trailmark._context import enter, entered

if TYPE_CHECKING:
    from trailmark._items import Items
    from trailmark._span import Span

__all__ = ["AsyncSteps", "Steps"]


class Plan(Protocol):
    """How the function is recorded."""

    def items(self, span: Span) -> Items | None: ...

    def end(self, span: Span) -> None: ...

    def fail(self, span: Span, error: BaseException) -> None: ...


class _Swap:
    """The generator's own current span, put in place around each step and taken out at each yield."""

    __slots__ = ("_before", "_inside")

    def __init__(self, span: Span) -> None:
        self._inside: Span | None = span
        self._before: Span | None = None

    def __enter__(self) -> None:
        self._before = entered()
        enter(self._inside)

    def __exit__(self, *_: object) -> None:
        self._inside = entered()
        enter(self._before)


class _Ends:
    """How a generator's span ends: with what it gave, and as cancelled when it was left early."""

    __slots__ = ("_items", "_left", "_plan", "_span")

    def __init__(self, plan: Plan, span: Span | None) -> None:
        self._plan, self._span = plan, span
        self._items = plan.items(span) if span is not None else None
        self._left = False

    def end(self) -> None:
        if self._span is not None:
            if self._items is not None:
                self._items.give()
            if self._left:
                self._span.end("cancelled")
            else:
                self._plan.end(self._span)

    def fail(self, error: BaseException) -> None:
        if self._span is not None:
            if self._items is not None:
                self._items.give()
            self._plan.fail(self._span, error)


class Steps(_Ends):
    """A generator under way: its span is current within each step, and none of it between them.

    What is thrown in, GeneratorExit too, goes to the bare generator: so `close` and `throw` do what they do to that.
    """

    __slots__ = ("_bare", "_swap")

    def __init__(self, bare: Generator[Any, Any, Any], plan: Plan, span: Span | None) -> None:
        super().__init__(plan, span)
        self._bare, self._swap = bare, _swap(span)

    def send(self, value: Any) -> Any:
        with self._swap:
            item = self._bare.send(value)
        if self._items is not None:
            self._items.add(item)
        return item

    def throw(self, error: BaseException) -> Any:
        self._left = issubclass(type(error), GeneratorExit)
        with self._swap:
            item = self._bare.throw(error)
        if self._items is not None:
            self._items.add(item)
        return item


class AsyncSteps(_Ends):
    """As `Steps`, of an async generator."""

    __slots__ = ("_bare", "_started", "_swap")

    def __init__(self, bare: AsyncGenerator[Any, Any], plan: Plan, span: Span | None) -> None:
        super().__init__(plan, span)
        self._bare, self._swap, self._started = bare, _swap(span), False

    async def send(self, value: Any) -> Any:
        with self._swap:
            item = await (self._bare.asend(value) if self._started else self._first(value))
        if self._items is not None:
            self._items.add(item)
        return item

    async def throw(self, error: BaseException) -> Any:
        self._left = issubclass(type(error), GeneratorExit)
        with self._swap:
            item = await self._bare.athrow(error)
        if self._items is not None:
            self._items.add(item)
        return item

    def _first(self, value: Any) -> Awaitable[Any]:
        """A loop closes what it saw the first step of: it is to see the outer one, which closes the bare one itself."""
        self._started = True
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            return self._bare.asend(value)
        finally:
            sys.set_asyncgen_hooks(*hooks)


def _swap(span: Span | None) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if span is None else _Swap(span)
