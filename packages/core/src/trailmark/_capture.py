"""Any value to bounded JSON bytes, now, in the caller's thread. Never raises, never consumes, calls no user code.

Plain JSON takes one C call. What that call refuses is walked: known types are converted, the rest become markers
`{"_unserializable": "<type>"}`, cut texts and lists say what was there.
"""

from __future__ import annotations

import base64
import enum
import math
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final

import orjson

from trailmark._media import MEDIA_FROM, TakeMedia, may_have_media
from trailmark._objects import MAX_ERROR_TEXT, message_of, plainer, stored_fields, type_name, where_defined
from trailmark._summaries import summary
from trailmark._survey import INERT, NO_TEXTS, Survey, is_larger, look_first, survey
from trailmark.model import ErrorInfo, Status, shown, written
from trailmark.wire import Tail

__all__ = ["SAME", "capture", "capture_error", "end_status", "given_error", "surveyed"]

SHORT: Final = 512
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 32
MAX_NODES: Final = 10_000
MAX_SECONDS: Final = 0.25  # a value that is slow to look at is cut, as one with too many parts is
MAX_TEXT: Final = 1024 * 1024
MAX_BINARY: Final = 4096
SHORTEST: Final = 64  # what no text is cut below

_SEQUENCES: Final[tuple[type[Collection[Any]], ...]] = (list, tuple, set, frozenset, deque)
SAME: Final[Survey] = ((), [], False)
NOTHING: Final[Survey] = ((), [], True)
_FAST: Final = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS
_SLOW: Final = orjson.OPT_NON_STR_KEYS


def capture(value: Any) -> bytes:
    """The value as JSON bytes, at most about 4 MB; a value that cannot be encoded becomes a marker."""
    return surveyed(value)[0]


def surveyed(
    value: Any, take: TakeMedia | None = None, field: str = "", above: Tail | None = None
) -> tuple[bytes, Survey | None]:
    """As `capture`, and what stands in there; None where it is so short that looking for it costs more.

    `take`: who keeps the media found in a `field`, and says what to write in their place. `above`: what the span above
    was given; where this is equal, it is `SAME`, and is recorded as that was.
    """
    if value is None:  # what most functions return
        return b"null", NOTHING
    for item in value.values() if type(value) is dict else (value,):
        if type(item) is str and len(item) > MAX_BYTES:  # not to be encoded only to be cut
            return _walked(value, None if take is None else partial(take, field))
    if look_first.wanted and is_larger(value, MAX_BYTES):
        return _walked(value, None if take is None else partial(take, field))
    try:
        encoded = orjson.dumps(value, option=_FAST)
        if len(encoded) <= SHORT and b"null" not in encoded:  # what orjson makes of NaN
            if type(value) is dict and INERT.issuperset(map(type, value.values())):  # of one level, as most short ones
                return encoded, (value, NO_TEXTS, True)
            return encoded, None
        if above is not None and above.holds(encoded) and (not above.has_none or survey(value) is not None):
            return encoded, SAME
        has_media = take is not None and len(encoded) > MEDIA_FROM and may_have_media(encoded)
        if len(encoded) <= MAX_BYTES and not has_media and (found := survey(value)) is not None:
            return encoded, found
        look_first.wanted |= len(encoded) > MAX_BYTES  # who gives one may give a larger one
    except (TypeError, ValueError, RecursionError):  # orjson.JSONEncodeError is a TypeError
        pass
    return _walked(value, None if take is None else partial(take, field))


def _walked(value: Any, take: Callable[[str | bytes], str | None] | None) -> tuple[bytes, Survey | None]:
    text_limit = MAX_TEXT
    while True:
        try:
            plain = _Walk(text_limit, take).plain(value, 0)
            encoded = orjson.dumps(plain, option=_SLOW)
        except _TooMuchError:
            text_limit //= 8
            continue
        except Exception as error:  # noqa: BLE001 - a user's class may raise anything, even while it is looked at
            return orjson.dumps({"_unserializable": type_name(value), "because": type(error).__name__}), None
        if len(encoded) <= MAX_BYTES:
            return encoded, survey(plain)
        if text_limit <= SHORTEST:
            return orjson.dumps({"_truncated": True, "bytes": len(encoded)}), None
        text_limit //= 8


class _TooMuchError(BaseException):
    """What is left of the texts is still too long. No Exception: those cost the part they come from alone."""


class _Walk:
    """One bounded descent: counts nodes, knows the containers it stands in."""

    def __init__(self, text_limit: int, take: Callable[[str | bytes], str | None] | None = None) -> None:
        self.nodes = 0
        self.text_limit, self.size = text_limit, 0
        self.take = take
        self.deadline = time.monotonic() + MAX_SECONDS
        self.inside: set[int] = set()

    def plain(self, value: Any, depth: int) -> Any:
        """The value in plain JSON types. Its type decides: `isinstance` would ask a user's `__class__`."""
        self.nodes += 1
        if not self.nodes & 0xFF and time.monotonic() > self.deadline:
            self.nodes += MAX_NODES
        kind = type(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, enum.Enum):
            return self.plain(value._value_, depth + 1)
        if issubclass(kind, str):
            return self.text(str.__str__(value))
        if issubclass(kind, int):
            number = int.__int__(value)
            return number if -(2**63) <= number < 2**64 else _big(number)
        if issubclass(kind, float):
            number_f = float.__float__(value)
            return number_f if math.isfinite(number_f) else repr(number_f)
        if depth >= MAX_DEPTH:
            return {"_truncated": "depth", "type": type_name(value)}
        if id(value) in self.inside:
            return "<cycle>"
        self.inside.add(id(value))
        try:
            return self.compound(value, kind, depth)
        except Exception as error:  # noqa: BLE001 - a library's or user's code may raise anything; the rest is kept
            return {"_unserializable": type_name(value), "because": type(error).__name__}
        finally:
            self.inside.discard(id(value))

    def text(self, text: str) -> str:
        if self.take is not None and len(text) >= MEDIA_FROM and (instead := self.take(text)) is not None:
            return instead
        if len(text) > self.text_limit:
            text = f"{text[: self.text_limit]}… [cut: {len(text)} characters in all]"
        self.size += len(text)
        if self.size > MAX_BYTES and self.text_limit > SHORTEST:
            raise _TooMuchError
        return written(text)

    def compound(self, value: Any, kind: type, depth: int) -> Any:
        if issubclass(kind, dict):
            return self.mapping(dict.items(value), dict.__len__(value), depth)
        fields = stored_fields(value, kind)
        if fields is not None:
            return self.mapping(fields.items(), len(fields), depth)
        for sequence in _SEQUENCES:
            if issubclass(kind, sequence):
                items = list(islice(sequence.__iter__(value), MAX_NODES + 2))
                return self.sequence(items, sequence.__len__(value), depth)
        if issubclass(kind, (bytes, bytearray, memoryview)):
            return self.binary(bytes(value))
        converted = plainer(value, kind)
        if converted is not None:
            return self.plain(converted, depth + 1)
        summed = summary(value, kind)
        if summed is not None:
            return self.plain(summed, depth + 1)
        return {"_unserializable": type_name(value), **where_defined(value, kind)}

    def mapping(self, items: Any, count: int, depth: int) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, item in list(islice(items, MAX_NODES + 2)):
            if self.nodes > MAX_NODES:
                plain["…"] = f"{count - len(plain)} more"
                break
            plain[self.key(key, plain)] = self.plain(item, depth + 1)
        return plain

    def key(self, key: Any, taken: dict[str, Any]) -> str:
        if issubclass(type(key), enum.Enum):
            key = key._value_
        if type(key) in (int, float, bool, type(None), uuid.UUID):
            key = str(key)
        text = self.text(str.__str__(key)) if issubclass(type(key), str) else f"<{type_name(key)}>"
        unique, n = text, 2
        while unique in taken:
            unique, n = f"{text} ({n})", n + 1
        return unique

    def sequence(self, items: list[Any], count: int, depth: int) -> list[Any]:
        plain: list[Any] = []
        for item in items:
            if self.nodes > MAX_NODES:
                plain.append(f"… {count - len(plain)} more")
                break
            plain.append(self.plain(item, depth + 1))
        return plain

    def binary(self, data: bytes) -> Any:
        if len(data) <= MAX_BINARY:
            return {"_bytes": len(data), "base64": base64.b64encode(data).decode()}
        return (self.take(data) if self.take is not None else None) or {"_bytes": len(data)}


def _big(number: int) -> str:
    return str(number) if number.bit_length() < 10_000 else f"<int of {number.bit_length()} bits>"


_LEFT = (("asyncio", "CancelledError"), ("trio", "Cancelled"), ("greenlet", "GreenletExit"))


def end_status(error: BaseException) -> Status:
    """The end state an exception means: leaving early is not an error. Its type decides: a class may lie of itself."""
    if issubclass(type(error), GeneratorExit):
        return "cancelled"
    for library, name in _LEFT:  # not imported for this: asyncio costs more than all of trailmark
        kind = getattr(sys.modules.get(library), name, None)
        if isinstance(kind, type) and issubclass(type(error), kind):
            return "cancelled"
    return "error"


def capture_error(error: BaseException, *, with_message: bool = True) -> ErrorInfo:
    """An exception as recorded: qualified type, message and traceback, each bounded; never raises.

    Without the message the traceback has the places only: no code, and no exception it came from.
    """
    message = message_of(error) if with_message else ""
    try:
        frames = error.__traceback__
        while frames is not None and frames.tb_next and frames.tb_frame.f_globals.get("__package__") == __package__:
            frames = frames.tb_next  # our own wrapper is no part of the user's story
        import traceback

        if with_message:
            lines = traceback.format_exception(type(error), error, frames, limit=-50)
        else:
            places = [(frame.f_code, line) for frame, line in traceback.walk_tb(frames)][-50:]
            lines = [f'  File "{code.co_filename}", line {line}, in {code.co_name}\n' for code, line in places]
        text = "".join(lines)[-MAX_ERROR_TEXT:]
    except Exception:  # noqa: BLE001 - formatting calls the exception's own code
        text = ""
    clean = _Walk(MAX_ERROR_TEXT).text
    return {"type": type_name(error), "message": clean(message), "traceback": clean(text)}


def given_error(error: Any) -> ErrorInfo:
    """An error given by hand: an exception, or a mapping of what is known of one; TypeError for anything else."""
    if isinstance(error, BaseException):
        return capture_error(error)
    parts = ("type", "message", "traceback")
    is_told = isinstance(error, Mapping) and isinstance(error.get("type"), str) and error.keys() <= set(parts)
    if not is_told or not all(isinstance(text, str) for text in error.values()):
        raise TypeError(
            f"error is {shown(error)}; allowed: an exception, or texts by {', '.join(parts)}, of which type must be"
        )
    clean = _Walk(MAX_ERROR_TEXT).text
    return {
        "type": clean(error["type"]),
        "message": clean(error.get("message", "")),
        "traceback": clean(error.get("traceback", "")),
    }
