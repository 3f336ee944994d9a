"""Attributes of an OpenTelemetry span: taken one by one by those who know them; what nobody takes is metadata. Pure."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any, Final

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from trailmark_server.ingest.records import MAX_NAME
from trailmark_server.ingest.usage import count

__all__ = ["Attributes", "parsed", "plain", "score", "text"]

_LEVELS: Final = 16  # as deep as any convention's names go, and then some
_NO_NUMBERS: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}  # as protobuf's JSON writes them


class Attributes:
    """What is left of a span's attributes."""

    def __init__(self, pairs: Iterable[KeyValue]) -> None:
        self.left: dict[str, Any] = {pair.key: plain(pair.value) for pair in pairs}

    def __contains__(self, name: str) -> bool:
        return name in self.left

    def has(self, prefix: str) -> bool:
        """Whether an attribute's name begins so."""
        return any(name.startswith(prefix) for name in self.left)

    def take(self, *names: str) -> Any:
        """The first of these that is there; others stay, unless they say the same."""
        found = None
        for name in names:
            value = self.left.get(name)
            if value is not None and found is None:
                found = value
            if name in self.left and value == found:
                del self.left[name]
        return found

    def take_number(self, *names: str, most: float) -> float | None:
        """The first of these that is a number from 0 to `most`; what is none stays."""
        for name in names:
            found = number(self.left.get(name))
            if found is not None and 0 <= found <= most:
                self.take(name, *names)
                return found
        return None

    def tokens(self, *names: str) -> int:
        """The first of these that is a number of tokens, or 0; all stay."""
        return next((found for name in names if (found := count(self.left.get(name)))), 0)

    def take_tree(self, prefix: str) -> Any:
        """Everything under `prefix.`, whose dotted names become objects and lists."""
        start = f"{prefix}."
        names = [name for name in self.left if name.startswith(start)]
        return _tree({name[len(start) :]: self.left.pop(name) for name in names})


def plain(value: AnyValue) -> Any:
    """What JSON can say; bytes in base64, NaN and infinity as text."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    found = getattr(value, kind)
    return _NO_NUMBERS[str(found)] if isinstance(found, float) and not math.isfinite(found) else found


def parsed(value: Any) -> Any:
    """The value inside of JSON text; any other as it is."""
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def text(value: Any) -> str | None:
    """Words for a name, a model or a label; None for nothing."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def number(value: Any) -> float | None:
    """A finite number; None for what is none."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def score(name: Any, value: Any, label: Any, reason: Any) -> dict[str, Any] | None:
    """A score without its target; None without a name, or without a value and a label."""
    title, word = text(name), text(label)
    amount = value if isinstance(value, bool) else number(value)
    if title is None or len(title) > MAX_NAME or (amount is None and word is None):
        return None
    return {"name": title, "value": amount, "label": word, "reason": text(reason)}


def _tree(flat: dict[str, Any]) -> Any:
    root: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".", _LEVELS)
        at = root
        for part in path:
            inner = at.get(part)
            if not isinstance(inner, dict):
                inner = at[part] = {} if inner is None else {"": inner}
            at = inner
        if isinstance(at.get(last), dict) and not isinstance(value, dict):
            at[last][""] = value
        else:
            at[last] = value
    return _listed(root)


def _listed(value: Any) -> Any:
    """Objects whose names are all numbers are lists; gaps close."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(item) for name, item in value.items()}
    if inner and all(name.isascii() and name.isdigit() and len(name) < 10 for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
