"""What a user may say of the requests of a client, checked when it is said."""

from __future__ import annotations

import fnmatch
import functools
import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict

__all__ = ["Options", "Settings", "is_private"]

_HOST: Final = re.compile(r"[^\s/@]+")
_OWN_NAMES: Final = (".localhost", ".local", ".internal", ".svc", ".lan", ".home.arpa", ".test")
_HOSTS_KNOWN: Final = 1000


class Options(TypedDict, total=False):
    """The options of `track_httpx` and `instrument`, for type checkers."""

    propagate_to: Iterable[str] | None
    exclude: Iterable[str]
    capture_headers: Iterable[str]
    roots: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, checked: raises TypeError or ValueError that says what is allowed."""

    propagate_to: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    capture_headers: tuple[str, ...] = ()
    roots: bool = True
    is_propagated: Callable[[str], bool] = field(init=False, compare=False)
    is_excluded: Callable[[str], bool] = field(init=False, compare=False)

    @classmethod
    def of(cls, options: Options) -> Settings:
        """Lists as tuples, so that settings can be compared and kept."""
        return cls(**{name: _texts(name, value) if name != "roots" else value for name, value in options.items()})  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        if not isinstance(self.roots, bool):
            raise TypeError(f"roots is {self.roots!r}; allowed: True or False")
        for name in ("propagate_to", "exclude"):
            for pattern in getattr(self, name) or ():
                if not _HOST.fullmatch(pattern):
                    raise ValueError(f"{name} has {pattern!r}; allowed: names of hosts, * for any part of one")
        among = is_private if self.propagate_to is None else _matcher(self.propagate_to)
        object.__setattr__(self, "is_propagated", functools.lru_cache(_HOSTS_KNOWN)(among))
        object.__setattr__(self, "is_excluded", functools.lru_cache(_HOSTS_KNOWN)(_matcher(self.exclude)))


def is_private(host: str) -> bool:
    """Whether a host is of one's own network, by its name or address alone: nobody is asked."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        name = host.lower().rstrip(".")
        return "." not in name or name.endswith(_OWN_NAMES)


def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    if not patterns:
        return lambda _host: False
    known = re.compile("|".join(fnmatch.translate(pattern.lower()) for pattern in patterns))
    return lambda host: known.match(host.lower().rstrip(".")) is not None


def _texts(name: str, given: Any) -> tuple[str, ...] | None:
    if given is None and name == "propagate_to":
        return None
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{name} is {given!r}; allowed: a list of texts")
    texts = tuple(given)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{name} is {given!r}; allowed: a list of texts")
    return texts
