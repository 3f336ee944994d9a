"""Functions with the parameters of another: a wrong call of one fails where the bare one fails, in the same words.

For what runs only later: the body of a coroutine or generator cannot refuse its arguments when it is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, Final

__all__ = ["ASYNC_GENERATOR", "COROUTINE", "GENERATOR", "with_parameters"]

GENERATOR: Final = """
def tracked({parameters}):
    steps = {call}
    step, value = steps.send, None
    try:
        while True:
            item = step(value)
            try:
                step, value = steps.send, (yield item)
            except BaseException as thrown:
                step, value = steps.throw, thrown
    except StopIteration as stop:
        steps.end()
        return stop.value
    except BaseException as error:
        steps.fail(error)
        raise
"""
COROUTINE: Final = """
async def tracked({parameters}):
    return await {call}
"""
ASYNC_GENERATOR: Final = """
async def tracked({parameters}):
    steps = {call}
    step, value = steps.send, None
    try:
        while True:
            item = await step(value)
            try:
                step, value = steps.send, (yield item)
            except BaseException as thrown:
                step, value = steps.throw, thrown
    except StopAsyncIteration:
        steps.end()
    except BaseException as error:
        steps.fail(error)
        raise
"""


_CALL: Final = "__trailmark_call__"  # a name no parameter has


def with_parameters(function: Callable[..., Any], body: str, call: Callable[..., Any]) -> Any:
    """A function like `body` with the parameters and defaults of `function`; `call` gets the arguments it was given."""
    parameters, arguments = "*args, **kwargs", "args, kwargs"
    if isinstance(function, FunctionType):
        parameters, arguments = _written(function.__code__)
    scope: dict[str, Any] = {"__name__": __name__, "__package__": __package__, _CALL: call}
    text = body.format(parameters=parameters, call=f"{_CALL}({arguments})")
    exec(compile(text, "<trailmark>", "exec"), scope)  # noqa: S102 - our own text; names are those of a compiled function
    made = scope["tracked"]
    if isinstance(function, FunctionType):
        made.__defaults__, made.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return made


def _written(code: CodeType) -> tuple[str, str]:
    """The parameters as in a `def`, and `(tuple, dict)` of the arguments they hold."""
    names = list(code.co_varnames)
    positional = [names.pop(0) for _ in range(code.co_argcount)]
    by_name = [names.pop(0) for _ in range(code.co_kwonlyargcount)]
    rest = f"*{names.pop(0)}" if code.co_flags & inspect.CO_VARARGS else ""
    more = f"**{names.pop(0)}" if code.co_flags & inspect.CO_VARKEYWORDS else ""
    only = code.co_posonlyargcount
    parts = [*positional[:only], *(["/"] if only else []), *positional[only:]]
    parts += [rest or "*"] if rest or by_name else []
    parts += [*by_name, *([more] if more else [])]
    pairs = [f"{name!r}: {name}" for name in by_name]
    held = "".join(f"{name}, " for name in [*positional, *([rest] if rest else [])])
    return ", ".join(parts), f"({held}), {{{', '.join([*pairs, *([more] if more else [])])}}}"
