"""What a text search looks for: words as the text index cuts them, and whether a payload holds them side by side."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from trailmark_server.store.codec import opened, unpack

__all__ = ["MAX_INDEXED", "Phrase", "said", "tokens", "words_of"]

MAX_INDEXED: Final = 200_000  # characters of one span
_ALONE: Final = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # scripts without spaces: each sign is a word
_WORD: Final = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")
_FIELDS: Final = ("input", "output", "error")
_ODD: Final = re.compile(  # beyond ASCII, all but common punctuation and emoji: what has no case and no accents
    rb"[\xc3-\xe1\xe3-\xef\xf1-\xf4]|\xc2[\xaa\xb5\xba]|\xe2[^\x80]|\xf0[^\x9f]"
)


def tokens(text: str) -> list[str]:
    """Runs of letters and digits, without case and accents."""
    lower = text.lower()
    return _WORD.findall(lower if lower.isascii() else _plain(lower))


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that must stand side by side; with a star at the end, the last is only the beginning of one."""

    words: tuple[str, ...]
    is_open: bool

    @classmethod
    def of(cls, text: str) -> Phrase:
        return cls(tuple(tokens(text)), text.endswith("*"))

    @property
    def match(self) -> str:
        """For the text index: all of these words, in any order."""
        return " ".join(f'"{word}"' for word in self.words) + "*" * self.is_open

    @property
    def needle(self) -> str:
        """For `said`."""
        return f" {' '.join(self.words)}" + " " * (not self.is_open)

    @property
    def is_exact(self) -> bool:
        """Whether the text index alone can tell."""
        return len(self.words) == 1


def words_of(name: str | None, body: bytes | None) -> str:
    """All words of a span once: of its name and of the texts and numbers in input, output and error."""
    return " ".join(dict.fromkeys(tokens("\n".join(_fields(name, body))[:MAX_INDEXED])))


def said(name: str | None, body: bytes | None, needle: str) -> int:
    """SQL function: whether the words of a phrase stand side by side in one of the texts."""
    if body is not None and (looks := _quick(needle)) is not None:
        text = opened(body)
        if looks.search(text.lower()) is None and (text.isascii() or _ODD.search(text) is None):
            return int(name is not None and needle in _spoken(name))
    return int(any(needle in f" {' '.join(tokens(text))} " for text in _fields(name, body)))


@functools.lru_cache(maxsize=1024)
def _spoken(name: str) -> str:
    """The words of a name; there are few names."""
    return f" {' '.join(tokens(name))} "


@functools.lru_cache(maxsize=256)
def _quick(needle: str) -> re.Pattern[bytes] | None:
    """What the JSON of a text with the phrase holds at least, if it has no odd letters. None: look closely.

    Digits are left out: JSON may write a number otherwise than a text does.
    """
    words = needle.split()
    if not all(word.isascii() and word.isalpha() for word in words):
        return None
    return re.compile(rb"(?:\\(?:u[0-9a-f]{4}|.)|[^0-9a-z\\])+".join(word.encode() for word in words))


def _fields(name: str | None, body: bytes | None) -> Iterator[str]:
    if name:
        yield name
    if body is not None:
        found = unpack(body)
        for field in _FIELDS:
            if found.get(field) is not None:
                yield from _leaves(found[field])


def _leaves(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting += reversed(part.values())
        elif isinstance(part, list):
            waiting += reversed(part)
        elif part is not None and not isinstance(part, bool):
            yield str(part)


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(part for part in parts if unicodedata.category(part) != "Mn"))
