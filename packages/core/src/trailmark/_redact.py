"""Secrets out of what was captured, before it reaches any file: by key, by shape, and by the user's own function.

A redactor that fails replaces the whole value: rather nothing recorded than a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from itertools import chain
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson

__all__ = ["MASK", "Redactor", "UserRedactor", "findings"]

UserRedactor: TypeAlias = Callable[[Any], Any]

MASK: Final = "[redacted]"
SHORTEST_TOKEN: Final = 16
FAILED: Final = orjson.dumps({"_redacted": "the redactor failed on this value"})
_SECRET_KEY: Final = re.compile(
    r"(?:^|_)(?:api_?key|secret|secret_?key|secret_?access_?key|client_?secret|private_?key|access_?key|password|passwd|passphrase"
    r"|authorization|(?:access|refresh|id|auth|bearer|session|api|csrf)?_?token|credentials?|(?:set_)?cookies?)$"
)
_SHAPES: Final = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{20,}|(?:sk|pk|rk|whsec)_(?:live|test)_[A-Za-z0-9]{10,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}"
    r"|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|A(?:KIA|SIA)[0-9A-Z]{16}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|Bearer\s+[\w.~+/-]{16,}=*)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)|(?<=://)[^/\s:@\"]+:[^/\s:@\"]+(?=@)",
    re.ASCII | re.DOTALL,
)
_MARKS: Final = (
    (b"-", (b"sk-", b"xox", b"glpat-", b"-----BEGIN")),
    (b"_", (b"_live_", b"_test_", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"hf_")),
    (b"A", (b"AKIA", b"ASIA", b"AIza")),
    (b"J", (b"eyJ",)),
    (b"B", (b"Bearer",)),
)
_KEY_WORDS: Final = (b"key", b"token", b"secret", b"pass", b"authoriz", b"credential", b"cookie")  # one is in each
_SHORT: Final = 4096
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CONTAINERS: Final = frozenset((dict, list, tuple))
_LEAVES: Final = frozenset((str, int, float, bool, type(None), bytes, date, datetime, time, UUID))
_MOST_KEYS: Final = 20_000
_MOST_TEXTS: Final = 1000


class Redactor:
    """Masks by key and shape, then hands plain JSON to the user's functions. `allow`: keys that are never masked."""

    def __init__(
        self, functions: Iterable[UserRedactor] = (), *, patterns: bool = True, allow: Iterable[str] = ()
    ) -> None:
        self._functions, self._patterns = tuple(functions), patterns
        self._allow = frozenset(_normal(key) for key in allow)
        self._harmless: set[str] = set()  # keys looked at before
        self._texts: dict[str, str] = {}  # names are few and come often
        self.is_off = not patterns and not self._functions

    def __call__(self, encoded: bytes, value: Any = None) -> bytes:
        """The captured value without secrets. `value`: what it was made of, if plain JSON; quicker to look through."""
        if self.is_off:
            return encoded
        try:
            if not self._functions and not _has_shape(encoded) and not self._has_key(encoded, value):
                return encoded
            plain = orjson.loads(encoded)
            if self._patterns:
                plain = self._masked(plain)
            for function in self._functions:
                plain = function(plain)
            return orjson.dumps(plain, option=orjson.OPT_NON_STR_KEYS)
        except Exception:  # noqa: BLE001 - fail closed, whatever a user's function does
            return FAILED

    def text(self, text: str) -> str:
        """A name, tag or message without secrets."""
        if self.is_off:
            return text
        known = self._texts.get(text)
        if known is None:
            known = self._clean(text)
            if len(self._texts) < _MOST_TEXTS and len(text) < 200:
                self._texts[text] = known
        return known

    def _clean(self, text: str) -> str:
        found = orjson.loads(self(orjson.dumps(text.encode("utf-8", "replace").decode())))
        return found if isinstance(found, str) else MASK

    def _has_key(self, encoded: bytes, value: Any) -> bool:
        """Whether any key in there looks secret: level by level, so that most of the work is done in C."""
        if len(encoded) < _SHORT and encoded.isascii() and not _has_key_word(encoded.lower()):
            return False
        if type(value) not in _CONTAINERS:
            if encoded[:1] not in b"{[":
                return False
            value = orjson.loads(encoded)
        if (
            type(value) is dict and self._harmless.issuperset(value) and _LEAVES.issuperset(map(type, value.values()))
        ):  # most arguments and results
            return False
        level: list[Any] = [value]
        while level:
            dicts = [item for item in level if type(item) is dict]
            if not self._harmless.issuperset(chain.from_iterable(dicts)) and any(
                [self._is_secret(key) for key in chain.from_iterable(dicts)]  # noqa: C419 - all of them are noted
            ):
                return True
            rest = level if not dicts else [item for item in level if type(item) is not dict]
            below = chain(chain.from_iterable(map(dict.values, dicts)), chain.from_iterable(rest))
            level = [item for item in below if type(item) not in _LEAVES]
            if not _CONTAINERS.issuperset(map(type, level)):  # an enumeration: what was written of it tells
                return self._has_key(encoded, None)
        return False

    def _is_secret(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        normal = _normal(key)
        if normal not in self._allow and _SECRET_KEY.search(normal):
            return True
        if len(self._harmless) < _MOST_KEYS:
            self._harmless.add(key)
        return False

    def hides(self, key: str, value: Any) -> bool:
        """Whether the key alone makes the value a secret. A short `token` is a model's token, not a key."""
        if not isinstance(value, (str, list, dict)) or not value or not self._is_secret(key):
            return False
        return _normal(key) != "token" or not isinstance(value, str) or len(value) >= SHORTEST_TOKEN

    def _masked(self, plain: Any) -> Any:
        if isinstance(plain, str):
            return _SHAPES.sub(MASK, plain)
        if isinstance(plain, list):
            return [self._masked(item) for item in plain]
        if isinstance(plain, dict):
            return {
                _SHAPES.sub(MASK, key): MASK if self.hides(key, item) else self._masked(item)
                for key, item in plain.items()
            }
        return plain


def findings(plain: Any, redactor: Redactor, path: str = "$") -> list[str]:
    """Where a value would be masked, as JSON paths: for `python -m trailmark redact --check`."""
    if isinstance(plain, dict):
        return [
            found
            for key, item in plain.items()
            for found in (
                [f"{path}.{key}: the key"] if redactor.hides(key, item) else findings(item, redactor, f"{path}.{key}")
            )
        ]
    if isinstance(plain, list):
        return [found for n, item in enumerate(plain) for found in findings(item, redactor, f"{path}[{n}]")]
    shapes = _SHAPES.findall(plain) if isinstance(plain, str) else []
    return [f"{path}: the shape of a secret ({shape[:4]}…)" for shape in shapes]


def _has_shape(encoded: bytes) -> bool:
    """Whether a closer look for secrets by shape is due: letters that each has, at memchr's speed, then its mark."""
    for letter, marks in _MARKS:
        if letter in encoded:
            for mark in marks:  # a loop in place: `any` and its generator cost as much as all the searches
                if mark in encoded:
                    return True
    return b"@" in encoded and b"://" in encoded


def _has_key_word(lowered: bytes) -> bool:
    for word in _KEY_WORDS:  # noqa: SIM110 - `any` and its generator cost more than the searches
        if word in lowered:
            return True
    return False


def _normal(key: str) -> str:
    return _CAMEL.sub("_", key).replace("-", "_").replace(" ", "_").lower()
