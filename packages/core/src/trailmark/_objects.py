"""Objects of known libraries and the standard one: what they hold, read from where it is stored, by no user code."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import pathlib
import types
import uuid
from collections.abc import Callable
from typing import Any, Final

__all__ = ["MAX_ERROR_TEXT", "message_of", "plainer", "stored_fields", "type_name", "where_defined"]

MAX_ERROR_TEXT: Final = 32 * 1024
MAX_ITEMS: Final = 10_000
_MISSING: Final = object()
# what a class says of itself, without asking its metaclass
_mro: Final = type.__dict__["__mro__"].__get__
_module: Final = type.__dict__["__module__"].__get__
_qualname: Final = type.__dict__["__qualname__"].__get__


def _exception(value: BaseException) -> dict[str, Any]:
    return {"type": type_name(value), "message": message_of(value)}


_CONVERT: Final[dict[type, Callable[[Any], Any]]] = {
    datetime.datetime: datetime.datetime.isoformat,
    datetime.date: datetime.date.isoformat,
    datetime.time: datetime.time.isoformat,
    datetime.timedelta: datetime.timedelta.total_seconds,
    decimal.Decimal: decimal.Decimal.__str__,
    uuid.UUID: uuid.UUID.__str__,
    pathlib.PurePath: pathlib.PurePath.__str__,
    BaseException: _exception,
    complex: complex.__repr__,
    range: range.__repr__,
    slice: slice.__repr__,
    type(...): lambda _: "...",
}
_BY_NAME: Final[dict[str, Callable[[Any], Any]]] = {  # not imported for this
    "fractions.Fraction": str,
    "re.Pattern": lambda pattern: pattern.pattern,
    "ipaddress.IPv4Address": str,
    "ipaddress.IPv6Address": str,
    "ipaddress.IPv4Network": str,
    "ipaddress.IPv6Network": str,
    "types.SimpleNamespace": vars,
    "array.array": lambda items: items.tolist() if len(items) <= MAX_ITEMS else items.tobytes(),
}
_NAMED: Final = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType)


def plainer(value: Any, kind: type) -> Any:
    """A plainer value that says the same; None when the type is not known."""
    for known, convert in _CONVERT.items():
        if issubclass(kind, known):
            return convert(value)
    by_name = _BY_NAME.get(type_name(value))
    return None if by_name is None else by_name(value)


def where_defined(value: Any, kind: type) -> dict[str, str]:
    """The name of a class, function or module; nothing for anything else."""
    if not issubclass(kind, _NAMED):
        return {}
    if issubclass(kind, types.ModuleType):
        return {"name": str(vars(value).get("__name__"))}
    if issubclass(kind, type):
        return {"name": f"{_module(value)}.{_qualname(value)}"}
    return {"name": f"{value.__module__}.{value.__qualname__}"}


def _own(kind: type, name: str) -> Any:
    """An attribute of a class, without asking its metaclass."""
    for base in _mro(kind):
        if name in base.__dict__:
            return base.__dict__[name]
    return None


def stored_fields(value: Any, kind: type) -> dict[str, Any] | None:
    """What a named tuple, dataclass, pydantic model, attrs or msgspec object stores, read from its storage."""
    if issubclass(kind, tuple):
        names = _own(kind, "_fields")
        return dict(zip(names, tuple.__iter__(value), strict=True)) if names else None
    if _own(kind, "__dataclass_fields__") is not None:
        names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    elif (attributes := _own(kind, "__attrs_attrs__")) is not None:
        names = [attribute.name for attribute in attributes]
    elif (names := _own(kind, "__struct_fields__")) is not None:
        pass
    elif _own(kind, "__pydantic_fields__") is not None or (
        _own(kind, "__fields__") is not None and _own(kind, "__validators__") is not None
    ):
        extra = _stored(value, "__pydantic_extra__")
        return _stored(value, "__dict__") | (extra if type(extra) is dict else {})  # type: ignore[no-any-return]
    else:
        return None
    return {name: found for name in names if (found := _stored(value, name)) is not _MISSING}


def _stored(value: Any, name: str) -> Any:
    try:
        return object.__getattribute__(value, name)
    except AttributeError:  # a field that was never set
        return _MISSING


def type_name(value: object) -> str:
    kind = type(value)
    module, name = _module(kind), _qualname(kind)
    return f"{module}.{name}" if isinstance(module, str) and module != "builtins" else str(name)


def message_of(error: BaseException) -> str:
    try:
        return str(error)[:MAX_ERROR_TEXT]
    except Exception:  # noqa: BLE001 - a user's __str__ may raise anything
        return "<message not readable>"
