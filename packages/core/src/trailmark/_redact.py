"""Secrets out of what was captured, before it reaches any file: by key, by shape, and by the user's own function.

A redactor that fails replaces the whole value: rather nothing recorded than a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import orjson

from trailmark._context import is_suppressed, suppress
from trailmark._survey import Survey, survey
from trailmark.model import written

__all__ = ["MASK", "Redactor", "UserRedactor", "findings", "has_shape"]

UserRedactor: TypeAlias = Callable[[Any], Any]

MASK: Final = "[redacted]"
SHORTEST_TOKEN: Final = 16
FAILED: Final = orjson.dumps({"_redacted": "the redactor failed on this value"})
_SECRET_KEY: Final = re.compile(
    r"(?:^|_)(?:api_?key|secret|secret_?key|secret_?access_?key|client_?secret|private_?key|access_?key|password|passwd|passphrase"
    r"|authorization|(?:access|refresh|id|auth|bearer|session|api|csrf)?_?token|credentials?|(?:set_)?cookies?)\Z"
)
_SHAPES: Final = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{20,}|(?:sk|pk|rk|whsec)_(?:live|test)_[A-Za-z0-9]{10,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}"
    r"|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|A(?:KIA|SIA)[0-9A-Z]{16}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,}"
    r"|Bearer\s+[\w.~+/-]{16,}=*)"
    # a JWT: whether a dot ends the run of letters is asked once a run, not at each eyJ in it
    r"|(?<![\w-])(?=[\w-]{13,}+\.[\w-]{10,}+\.)[\w-]*?\beyJ[\w-]{10,}+\.[\w-]{10,}+\.[\w-]*+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)|(?<=://)[^/\s:@\"]+:[^/\s:@\"]+(?=@)",
    re.ASCII | re.DOTALL,
)
# Each shape has a letter that seldom stands in text: where it is missing memchr says so at once, and where it is not
# the look is tied to it. What these find, in UTF-8 or JSON, is all that _SHAPES finds there, and little more: the
# shapes are ASCII, of which no byte is part of another letter, nor of an escape that they do not allow for.
_DASHED: Final = re.compile(
    rb"-(?=[\w-]{10}|----B)(?:(?<=sk-)[\w-]{20}|(?<=glpat-)[\w-]{20}|(?<=xox[abeoprs]-)|----BEGIN [A-Z ]*PRIV)"
).search
_UNDERSCORED: Final = re.compile(
    rb"_(?=\w{10})(?:(?<=_live_)|(?<=_test_)|(?<=gh[pousr]_)\w{30}|(?<=hf_)\w{30}|(?<=github_pat_)\w{30})"
).search
_CLOUD: Final = re.compile(rb"A(?:[KS]IA[0-9A-Z]{16}|Iza[\w-]{35})").search
_BEARER: Final = re.compile(rb"Bearer[\s\\]")
# All four in one look, for a long text in which _, A and B have become dashes: each alternative is one of theirs with
# the same done to it, so where this finds nothing they do not either.
_ANY_OF_FOUR: Final = re.compile(
    rb"-(?:(?=[\w-]{10})(?:(?<=sk-)[\w-]{20}|(?<=glpat-)[\w-]{20}|(?<=xox[abeoprs]-)|(?<=-live-)|(?<=-test-)"
    rb"|(?<=gh[pousr]-)[\w-]{30}|(?<=hf-)[\w-]{30}|(?<=github-pat-)[\w-]{30}|[KS]I-[0-9A-Z-]{16}|Iza[\w-]{35})"
    rb"|-----EGIN |earer[\s\\])"
).search
_JWT: Final = re.compile(rb"J(?<=eyJ)[\w-]{10}")
_PASSWORD: Final = re.compile(rb":[^/\s:@\"]+@")
_LOGIN: Final = re.compile(rb":(?=//[^/\s:@\"]+:[^/\s:@\"]+@)")
_DASH, _UNDERSCORE, _A, _J, _B, _AT = b"-_AJB@"  # `in` of bytes takes a number at once; bytes cost it an exception
_MOST_STEPS: Final = 16  # from one rare letter to the next; a step costs as much as a few hundred characters do
# One is in each. A key ends in `token`: counts of tokens, of which every model call has some, do not.
_KEY_WORDS: Final = ("key", 'token"', "secret", "pass", "authoriz", "credential", "cookie")
_SHORT: Final = 2048
_NOTHING: Final[Survey] = (set(), [], False)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MOST_KEYS: Final = 20_000
_MOST_TEXTS: Final = 1000
_MOST_HASHES: Final = 8192
_LONG_TEXT: Final = 100  # on average, in bytes: below it one look at all is cheaper than one at each


class Redactor:
    """Masks by key and shape, then hands plain JSON to the user's functions. `allow`: keys that are never masked."""

    def __init__(
        self, functions: Iterable[UserRedactor] = (), *, patterns: bool = True, allow: Iterable[str] = ()
    ) -> None:
        self._functions, self._patterns = tuple(functions), patterns
        self._allow = frozenset(_normal(key) for key in allow)
        self._harmless: set[str] = set()  # keys looked at before
        self._clean_hashes: set[int] = set()  # of texts without a shape
        self._texts: dict[str, str] = {}  # names are few and come often
        self.is_off = not patterns and not self._functions
        self.has_functions = bool(self._functions)

    def __call__(self, encoded: bytes, found: Survey | None = None) -> bytes:
        """The captured value without secrets. `found`: what stands in it, where that is known."""
        if self.is_off:
            return encoded
        try:
            if not self._functions:
                if found is not None and len(encoded) < _SHORT and self._harmless.issuperset(found[0]):
                    if not has_shape(encoded):  # nearly all there is
                        return encoded
                elif not self._is_suspect(encoded, found):
                    return encoded
            plain = orjson.loads(encoded)
            if self._patterns:
                plain = self._masked(plain)
            return orjson.dumps(self._by_functions(plain), option=orjson.OPT_NON_STR_KEYS)
        except Exception:  # noqa: BLE001 - fail closed, whatever a user's function does
            return FAILED

    def _by_functions(self, plain: Any) -> Any:
        """What they make of it. They are not traced: what is recorded of them would be redacted in turn, for ever."""
        if not self._functions:
            return plain
        if is_suppressed():
            raise RecursionError("a redactor updates a span")
        with suppress():
            for function in self._functions:
                plain = function(plain)
        return plain

    def text(self, text: str) -> str:
        """A name, tag or message without secrets."""
        if self.is_off:
            return written(text)
        known = self._texts.get(text)
        if known is None:
            known = self._clean(text)
            if len(self._texts) < _MOST_TEXTS and len(text) < 200:
                self._texts[text] = known
        return known

    def _clean(self, text: str) -> str:
        found = orjson.loads(self(orjson.dumps(written(text))))
        return found if isinstance(found, str) else MASK

    def _is_suspect(self, encoded: bytes, found: Survey | None) -> bool:
        """Whether a closer look is due: a key that looks secret, or a shape."""
        size = len(encoded)
        if found is None and (size >= _SHORT or not encoded.isascii() or _has_key_word(encoded.decode())):
            found = survey(orjson.loads(encoded))
        keys, texts, _ = found or _NOTHING
        if size < _SHORT or size < _LONG_TEXT * len(texts) or not texts:
            if has_shape(encoded):
                return True
        elif self._is_suspect_text(encoded, texts):
            return True
        return not self._harmless.issuperset(keys) and self._is_key_suspect(keys)

    def _is_suspect_text(self, encoded: bytes, texts: list[str]) -> bool:
        """Whether a secret stands in any of the texts that were not looked at before: most come again and again, down a
        chain of calls and with every turn of a chat. Only their hashes are kept.
        """
        known = self._clean_hashes
        if len(known) > _MOST_HASHES:
            known.clear()
        for text in texts:
            if len(text) >= _LONG_TEXT:
                if hash(text) in known:
                    break
                # the first is new, so the others will be: one look at all, without the price of hashing each
                if has_shape(encoded):
                    return True
                known.add(hash(text))
                return False
        new = [text for text in texts if hash(text) not in known]
        if new:
            if has_shape("\n".join(new).encode()):
                return True
            known.update(map(hash, new))
        return False

    def _is_key_suspect(self, keys: Iterable[str]) -> bool:
        """Whether one of them looks secret. All at once first: nearly always none has a word of those."""
        new = [key for key in keys if key not in self._harmless]
        joined = '"'.join(new) + '"'
        if has_shape(joined.encode()):
            return True
        if _has_key_word(joined) and any(self._is_secret(key) for key in new):
            return True
        if len(self._harmless) + len(new) <= _MOST_KEYS:
            self._harmless.update(new)
        return False

    def _is_secret(self, key: str) -> bool:
        normal = _normal(key)
        return normal not in self._allow and _SECRET_KEY.search(normal) is not None

    def hides(self, key: str, value: Any) -> bool:
        """Whether the key alone makes the value a secret. A short `token` is a model's token, not a key."""
        if not isinstance(value, (str, list, dict)) or not value or not self._is_secret(key):
            return False
        return _normal(key) != "token" or not isinstance(value, str) or len(value) >= SHORTEST_TOKEN

    def _masked(self, plain: Any) -> Any:
        if isinstance(plain, str):
            return _SHAPES.sub(MASK, plain) if has_shape(plain.encode()) else plain
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


def has_shape(text: bytes) -> bool:
    """Whether a secret of a known shape is in there, in UTF-8 or JSON; now and then also where there is none."""
    if (_AT in text and _has_login(text)) or (_J in text and _has(text, _J, _JWT)):
        return True
    if len(text) >= _SHORT and _ANY_OF_FOUR(_with_dashes(text)) is None:
        return False
    return (
        (_DASH in text and _DASHED(text) is not None)
        or (_UNDERSCORE in text and _UNDERSCORED(text) is not None)
        or (_A in text and _CLOUD(text) is not None)
        or (_B in text and _has(text, _B, _BEARER))
    )


def _with_dashes(text: bytes) -> bytes:
    return text.replace(b"_", b"-").replace(b"A", b"-").replace(b"B", b"-")


def _has(text: bytes, letter: int, shape: re.Pattern[bytes]) -> bool:
    """Whether the shape, which begins with the rare letter, is in there."""
    at = text.find(letter)
    for _ in range(_MOST_STEPS):
        if at < 0 or shape.match(text, at):
            return at >= 0
        at = text.find(letter, at + 1)
    return at >= 0 and shape.search(text, at) is not None


def _has_login(text: bytes) -> bool:
    """Whether a URL with a password is in there. No part of that has an @, so no place is looked at twice."""
    start = 0
    for _ in range(_MOST_STEPS):
        at = text.find(_AT, start)
        if at < 0:
            return False
        colon = text.rfind(b":", start, at)
        if colon >= 0 and _PASSWORD.match(text, colon):  # seldom: the scheme need not be looked for
            url = text.rfind(b"://", start, at)
            if url >= 0 and _LOGIN.match(text, url):
                return True
        start = at + 1
    return _LOGIN.search(text, start) is not None


def _has_key_word(text: str) -> bool:
    """Of JSON, or of keys with a quote behind each."""
    lowered = text.lower()  # not as bytes: `in` first makes and drops an exception there, dearer than the search
    for word in _KEY_WORDS:  # noqa: SIM110 - a generator costs more than the search
        if word in lowered:
            return True
    return False


def _normal(key: str) -> str:
    return _CAMEL.sub("_", key).replace("-", "_").replace(" ", "_").lower()
