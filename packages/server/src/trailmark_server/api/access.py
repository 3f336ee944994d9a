"""Who may ask, and what: everything that is not listed here as public needs a key as soon as the server needs keys."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final

from trailmark_server.api.problems import Problem
from trailmark_server.keys import DEFAULT, Key, Keys

__all__ = ["COOKIE", "PUBLIC", "Access", "is_public"]

COOKIE: Final = "trailmark_session"
SESSION_S: Final = 30 * 86_400
# What anyone may ask. The page's own files hold no data; all that they show comes from routes that need a key.
PUBLIC: Final = (
    r"/api/is-alive/ping", r"/is-alive/ping", r"/healthz", r"/readyz", r"/api/v1/session",
    r"/api/v1/session/redirect/projects/",
    r"/", r"/(?:t|s|p|projects|settings|assets|third-party)(?:/.*)?", r"/(?:boot\.js|favicon\.svg|sign-in)",
)  # fmt: skip
_PUBLIC: Final = re.compile("|".join(f"(?:{one})\\Z" for one in PUBLIC))


def is_public(path: str) -> bool:
    """Whether anyone may ask for this path."""
    return _PUBLIC.match(path) is not None


@dataclass(slots=True)
class Access:
    """Whether keys are needed, and whose request it is.

    `is_required`: even when there is no key (any more). `is_open`: never, whatever keys there are.
    """

    keys: Keys
    is_required: bool = False
    is_open: bool = False
    _secret: bytes = field(default_factory=lambda: os.urandom(32))  # sessions end with the process

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

    def is_admin(self, headers: Mapping[str, str]) -> bool:
        """Whether the request may make and revoke keys: a session of an admin key, never a program's key; and this
        machine while nobody needs a key."""
        if not self.is_needed():
            return not self.is_open
        key = self._of_cookie(headers.get("cookie"))
        return key is not None and key.is_admin

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
        text = f"{key.id}.{until}"
        return f"{text}.{hmac.new(self._secret, f'{text}.{key.hash}'.encode(), hashlib.sha256).hexdigest()}"
