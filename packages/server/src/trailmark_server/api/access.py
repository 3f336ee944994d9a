"""Who may ask, and what: everything that is not listed here as public needs a key as soon as the server needs keys."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from trailmark_server.api.problems import Problem
from trailmark_server.keys import DEFAULT, Key, Keys

__all__ = ["COOKIE", "LOOPBACK", "PUBLIC", "Access", "WrongKeys", "is_loopback", "is_public"]

COOKIE: Final = "trailmark_session"
SESSION_S: Final = 30 * 86_400
MOST_WRONG: Final = 20
WRONG_WITHIN_S: Final = 60
MOST_ADDRESSES: Final = 10_000
# What anyone may ask. The page's own files hold no data; all that they show comes from routes that need a key.
PUBLIC: Final = (
    r"/api/is-alive/ping", r"/is-alive/ping", r"/healthz", r"/readyz", r"/api/v1/session",
    r"/api/v1/session/redirect/projects/",
    r"/", r"/(?:t|s|p|projects|settings|assets|third-party)(?:/.*)?", r"/(?:boot\.js|favicon\.svg|sign-in)",
)  # fmt: skip
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_PROXIES: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
_PUBLIC: Final = re.compile("|".join(f"(?:{one})\\Z" for one in PUBLIC))


def is_public(path: str) -> bool:
    """Whether anyone may ask for this path."""
    return _PUBLIC.match(path) is not None


def is_loopback(host: str) -> bool:
    """Whether this name or address can only be this machine."""
    try:
        return host in LOOPBACK or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_direct(scope: MutableMapping[str, Any]) -> bool:
    """Whether this machine asks itself: by an address of loopback, under a name of loopback, and through no proxy that
    says so."""
    headers = Headers(scope=scope)
    client, name = (scope.get("client") or ("",))[0], urlsplit(f"//{headers.get('host', '')}").hostname or ""
    is_passed_on = bool(scope.get("root_path")) or any(header in headers for header in _PROXIES)
    return is_loopback(client) and is_loopback(name) and not is_passed_on


class WrongKeys:
    """How many wrong keys came from an address within a minute, so that whoever sends them slows down.

    The right key always passes: many share an address behind a proxy, one of them must not lock the others out, and 256
    bits are not guessed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}  # when its minute ends, and how many

    def wait_s(self, scope: Mapping[str, Any]) -> int:
        """Counts one more; the seconds to wait before the next, 0 for none."""
        address, now = (scope.get("client") or ("",))[0], self._clock()
        with self._lock:
            if len(self._counts) > MOST_ADDRESSES:
                self._counts.clear()
            until, count = self._counts.get(address, (0.0, 0))
            if until <= now:
                until, count = now + WRONG_WITHIN_S, 0
            self._counts[address] = until, count + 1
        return int(until - now) + 1 if count >= MOST_WRONG else 0


@dataclass(slots=True)
class Access:
    """Whether keys are needed, and whose request it is.

    `is_required`: even when there is no key (any more). `is_open`: never, whatever keys there are.
    """

    keys: Keys
    is_required: bool = False
    is_open: bool = False
    wrong: WrongKeys = field(default_factory=WrongKeys)

    def is_needed(self) -> bool:
        """As soon as a home has a key, every request needs one."""
        return not self.is_open and (self.is_required or bool(self.keys.all()))

    def workspace(self, headers: Mapping[str, str]) -> str | None:
        """The workspace whose key or session the request carries; None for none. Problem 403 for another one's."""
        if not self.is_needed():
            return DEFAULT
        key = self._of_header(headers.get("authorization")) or self._of_cookie(headers.get("cookie"))
        if key is None:
            return None
        asked = headers.get("comet-workspace", DEFAULT)
        if asked not in (DEFAULT, key.workspace):
            raise Problem(403, f"the key is of workspace {key.workspace!r}, the request asks for {asked[:80]!r}")
        return key.workspace

    def is_admin(self, scope: MutableMapping[str, Any]) -> bool:
        """Whether the request may make and revoke keys: a session of an admin key, never a program's key; and while
        nobody needs a key this machine, when nobody stands between."""
        if not self.is_needed():
            return not self.is_open and _is_direct(scope)
        key = self._of_cookie(Headers(scope=scope).get("cookie"))
        return key is not None and key.is_admin

    def refuse(self, scope: Mapping[str, Any]) -> None:
        """A wrong key came: Problem 429 when there were many of them."""
        if wait := self.wrong.wait_s(scope):
            told = f"too many wrong keys from this address: again in {wait} s; the right one is taken at once"
            raise Problem(429, told, retry_after_s=wait)

    def session(self, secret: str) -> tuple[Key, str] | None:
        """For a key: it, and what its cookie holds."""
        key = self.keys.find(secret)
        return (key, self._signed(key, int(time.time()) + SESSION_S)) if key is not None else None

    def _of_header(self, given: str | None) -> Key | None:
        if not given:
            return None
        kind, _, rest = given.partition(" ")
        return self.keys.find(rest.strip() if kind.lower() == "bearer" else given.strip())

    def _of_cookie(self, given: str | None) -> Key | None:
        try:
            found = SimpleCookie(given or "").get(COOKIE)
        except CookieError:
            return None
        id, _, rest = (found.value if found is not None else "").partition(".")
        until = rest.partition(".")[0]
        key = self.keys.by_id(id) if until.isdecimal() and len(until) < 15 else None
        if key is None or int(until) < time.time():
            return None
        assert found is not None
        return key if hmac.compare_digest(found.value.encode(), self._signed(key, int(until)).encode()) else None

    def _signed(self, key: Key, until: int) -> str:
        text, secret = f"{key.id}.{until}", self.keys.session_secret()
        return f"{text}.{hmac.new(secret, f'{text}.{key.hash}'.encode(), hashlib.sha256).hexdigest()}"
