"""What stands in plain JSON: keys, texts, and whether every number can be written. One look, nearly all of it in C."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from datetime import date, datetime, time
from enum import Enum
from gc import get_referents
from math import isfinite
from types import NoneType
from typing import Any, Final, TypeAlias
from uuid import UUID

__all__ = ["INERT", "NO_TEXTS", "Survey", "is_larger", "look_first", "survey"]

_CONTAINERS: Final = frozenset((dict, list, tuple))
_NUMBERS: Final = frozenset((float, int, bool))
INERT: Final = frozenset((str, float, int, bool, type(None), bytes, date, datetime, time))  # refer to nothing
NO_TEXTS: Final[list[str]] = []
_PLENTY: Final = 4 << 30  # bytes of memory: less may refuse what a text of some hundred MB needs
_DEEPEST: Final = 256  # of containers, the encoder's own limit
_KNOWN: Final = _CONTAINERS | INERT


# the keys of all dicts in a value, its texts, and whether a None is in it
Survey: TypeAlias = "tuple[Iterable[str], list[str], bool]"


def survey(value: Any) -> Survey | None:
    """What stands in there; None when it has a NaN, an infinity, or something that is not plain JSON.

    Level by level. `get_referents` hands out the values of dicts and the items of lists, and skips what has neither.
    """
    keys: set[str] = set()
    texts: list[str] = []
    has_none = False
    level = [value]
    while True:
        kinds = set(map(type, level))
        if not kinds <= _KNOWN:
            level = [_inside(item) for item in level]
            kinds = set(map(type, level))
            if not kinds <= _KNOWN:
                return None
        is_mixed = len(kinds) > 1
        has_none = has_none or NoneType in kinds
        if str in kinds:
            texts += [item for item in level if type(item) is str] if is_mixed else level
        if float in kinds:
            numbers = level if kinds <= _NUMBERS else [item for item in level if type(item) is float]
            if not isfinite(sum(numbers)) and not all(map(isfinite, numbers)):  # a sum of finite ones may overflow
                return None
        if kinds.isdisjoint(_CONTAINERS):
            return keys, texts, has_none
        if dict in kinds:
            keys.update(*([item for item in level if type(item) is dict] if is_mixed else level))
        level = get_referents(*level)


class _LookFirst:
    """Whether a value's size is asked before it is encoded.

    The encoder asks for eight times the length of a text at once, and the process dies when it does not get that. Where
    memory is plenty it gets it, and the look would cost more than the rest of the span.
    """

    wanted: bool

    def __getattr__(self, name: str) -> bool:
        """`wanted`, at its first use.

        By hand: a lock (of a `cached_property`, an import) that another thread held at a fork would stop the child.
        """
        if name != "wanted":
            raise AttributeError(name)
        limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
        is_limited = any(limit != resource.RLIM_INFINITY for limit in limits)
        self.wanted = is_limited or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < _PLENTY
        return self.wanted


look_first: Final = _LookFirst()


def is_larger(value: Any, most: int) -> bool:
    """Whether plain JSON is certainly longer than `most`. Ends for cycles too: the encoder finds those itself."""
    left = most
    level = [value]
    for _ in range(_DEEPEST):
        texts = [item for item in level if type(item) is str]
        left -= len(level) + sum(map(len, texts))
        if left < 0:
            return True
        inner = [item for item in level if type(item) in _CONTAINERS]
        left -= sum(len(key) for item in inner if type(item) is dict for key in item if type(key) is str)
        if not inner:
            break
        level = get_referents(*inner)
    return left < 0


def _inside(item: Any) -> Any:
    """What stands for an object that the encoder writes by itself."""
    while isinstance(item, Enum):
        item = item._value_
    return None if type(item) is UUID else item
