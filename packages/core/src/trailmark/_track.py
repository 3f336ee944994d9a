"""@track: functions, coroutines, generators and async generators, each seen from outside as if it were bare."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, overload

from trailmark._context import enter, entered, leave
from trailmark._guard import fault
from trailmark._items import Items
from trailmark._process import flush, is_tracing_active
from trailmark._signature import ASYNC_GENERATOR, COROUTINE, GENERATOR, with_parameters
from trailmark._span import Span
from trailmark._start import start_span
from trailmark._steps import AsyncSteps, Steps
from trailmark.model import UNSET, check_flag, check_mapping, check_text, check_texts, check_type, check_word, shown

__all__ = ["track"]

P = ParamSpec("P")
R = TypeVar("R")
_TRACKED = "__trailmark_tracked__"
_METHODS = (types.FunctionType, types.MethodDescriptorType)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one decorated function records."""

    name: str
    type: str
    project_name: str | None
    fields: dict[str, Any]
    trace_fields: dict[str, Any]
    capture_input: bool
    capture_output: bool
    aggregate: Callable[[list[Any]], Any] | None
    flush: bool
    named: Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any]]

    def start(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Span | None:
        """The open span of one call; None when tracing is off."""
        if not is_tracing_active():
            return None
        given: Any = UNSET
        if self.capture_input:
            try:
                given = self.named(args, kwargs)
            except Exception as error:  # noqa: BLE001 - the caller's call goes on whatever happens here
                fault("reading arguments", error)
        return start_span(
            self.name,
            type=self.type,
            project_name=self.project_name,
            input=given,
            trace_fields=self.trace_fields,
            **self.fields,
        )

    def end(self, span: Span, result: Any = UNSET) -> None:
        """End the span with the function's result."""
        span.end(output=result if self.capture_output else UNSET)
        if self.flush:
            flush()

    def fail(self, span: Span, error: BaseException) -> None:
        """End the span with what left the function."""
        span.fail(error, with_message=self.capture_output)
        self.end(span)

    def items(self, span: Span) -> Items | None:
        """Where to note what a generator gives; None when its output is not to be recorded."""
        return Items(span, self.aggregate) if self.capture_output and span.keeps("output") else None


@overload
def track(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def track(
    *,
    name: str | None = None,
    type: str = "general",
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    project_name: str | None = None,
    thread_id: str | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
    ignore_arguments: Iterable[str] | None = None,
    aggregate: Callable[[list[Any]], Any] | None = None,
    flush: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def track(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    type: str = "general",
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    project_name: str | None = None,
    thread_id: str | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
    ignore_arguments: Iterable[str] | None = None,
    aggregate: Callable[[list[Any]], Any] | None = None,
    flush: bool = False,
) -> Any:
    """Record every call of a function as a span: arguments, result, error, and the tracked calls inside it.

    The first span of a context opens a trace. `aggregate` folds the items a generator yielded into the recorded output;
    `flush` returns after the span is acknowledged by its destination.
    """
    check_type(type)
    for field, text in (("name", name), ("project_name", project_name)):
        if text is not None:
            check_text(field, text)
    if thread_id is not None:
        thread_id = check_text("thread_id", check_word("thread_id", thread_id))
    for field, flag in (("capture_input", capture_input), ("capture_output", capture_output), ("flush", flush)):
        check_flag(field, flag)
    _check_aggregate(aggregate)
    ignored = frozenset(check_texts("ignore_arguments", ignore_arguments) if ignore_arguments is not None else ())
    fields = _checked_fields(tags, metadata)

    def decorate(function: Any) -> Any:
        if isinstance(function, (classmethod, staticmethod)):
            return function.__class__(decorate(function.__func__))
        if not callable(function):
            raise TypeError(f"function is {shown(function)}; allowed: a function, or whatever can be called")
        if _is_tracked(function):
            return function
        plan = _Plan(
            name=name or getattr(function, "__name__", function.__class__.__name__),
            type=type,
            project_name=project_name,
            fields=fields,
            trace_fields={**fields, "thread_id": thread_id} if thread_id else fields,
            capture_input=capture_input,
            capture_output=capture_output,
            aggregate=aggregate,
            flush=flush,
            named=_namer(function, ignored),
        )
        wrapped = _wrapper(function, plan)
        _keep_methods(function, wrapped)
        setattr(wrapped, _TRACKED, id(wrapped))
        return wrapped

    return decorate if function is None else decorate(function)


def _checked_fields(tags: Iterable[str] | None, metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those that say something."""
    given = {
        "tags": check_texts("tags", tags) if tags is not None else None,
        "metadata": check_mapping("metadata", metadata) if metadata is not None else None,
    }
    return {key: value for key, value in given.items() if value}


def _check_aggregate(aggregate: object) -> None:
    if aggregate is not None and not callable(aggregate):
        raise TypeError(f"aggregate is {shown(aggregate)}; allowed: a function that makes one value of a list")


def _keep_methods(function: Any, wrapped: Any) -> None:
    """Those of what is called but no function: `cache_clear` of an `lru_cache`, say."""
    kind = type(function)
    if kind.__module__ == "builtins" and kind.__name__ != "_lru_cache_wrapper":
        return  # functions, bound methods, classes
    for name in dir(kind):
        if not name.startswith("_") and isinstance(inspect.getattr_static(kind, name), _METHODS):
            setattr(wrapped, name, getattr(function, name))


def _is_tracked(function: Any) -> bool:
    """Not by the mark alone: `functools.wraps` copies it to what another decorator makes of a tracked function."""
    bare = getattr(function, "__func__", function)
    return getattr(bare, _TRACKED, None) == id(bare)


def _wrapper(function: Callable[..., Any], plan: _Plan) -> Any:
    if inspect.isasyncgenfunction(function):
        return _async_generator(function, plan)
    if inspect.isgeneratorfunction(function):
        return _generator(function, plan)
    if inspect.iscoroutinefunction(function):
        return _coroutine(function, plan)
    return _function(function, plan)


def _function(function: Callable[..., Any], plan: _Plan) -> Any:
    @functools.wraps(function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        span = plan.start(args, kwargs)
        if span is None:
            return function(*args, **kwargs)
        before = entered()
        enter(span)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            leave(span, before)
            plan.fail(span, error)
            raise
        leave(span, before)
        plan.end(span, result)
        return result

    return tracked


def _coroutine(function: Callable[..., Any], plan: _Plan) -> Any:
    async def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        span = plan.start(args, kwargs)
        if span is None:
            return await function(*args, **kwargs)
        before = entered()
        enter(span)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            leave(span, before)
            plan.fail(span, error)
            raise
        leave(span, before)
        plan.end(span, result)
        return result

    return functools.wraps(function)(with_parameters(function, COROUTINE, call))


def _generator(function: Callable[..., Any], plan: _Plan) -> Any:
    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps:
        return Steps(function(*args, **kwargs), plan, plan.start(args, kwargs))

    made = functools.wraps(function)(with_parameters(function, GENERATOR, call))
    code = getattr(function, "__code__", None)
    return types.coroutine(made) if code and code.co_flags & inspect.CO_ITERABLE_COROUTINE else made


def _async_generator(function: Callable[..., Any], plan: _Plan) -> Any:
    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncSteps:
        return AsyncSteps(function(*args, **kwargs), plan, plan.start(args, kwargs))

    return functools.wraps(function)(with_parameters(function, ASYNC_GENERATOR, call))


def _namer(
    function: Callable[..., Any], ignored: frozenset[str]
) -> Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any]]:
    """Arguments by name, defaults included, `self` and `cls` left out; a wrong call is named as far as it goes."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # builtins without a signature
        parameters = []
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in ignored}
    hidden = ignored | ({positional[0]} if positional[:1] in (["self"], ["cls"]) else set())
    if not defaults and not hidden and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return lambda args, kwargs: dict(zip(positional, args), **kwargs)  # noqa: B905 - `strict` costs half a µs a call

    def named(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        found = defaults | dict(zip(positional, args)) | kwargs  # noqa: B905 - as above
        if len(args) > len(positional):
            found[rest] = args[len(positional) :]
        for name in hidden:
            found.pop(name, None)
        return found

    return named
