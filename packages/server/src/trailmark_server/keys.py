"""API keys of a home: made once, shown once, kept as hashes. Each belongs to one workspace."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from trailmark_server.store import StoreError

__all__ = ["DEFAULT", "Key", "Keys", "check_workspace"]

DEFAULT: Final = "default"
SECRET_BYTES: Final = 32
_WORKSPACE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z")
_SECRET: Final = re.compile(r"tm_([0-9a-f]{8})_[\w-]{43}\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key: never the key. Whoever signs in with an admin key makes and revokes keys on the page."""

    id: str
    name: str
    workspace: str
    hash: str
    created_us: int
    is_admin: bool = False


class Keys:
    """The keys in `keys.json` of a home. A server that runs sees changes with the next request."""

    def __init__(self, home: Path) -> None:
        self._path = home / "keys.json"
        self._seen: tuple[int, int] | None = None
        self._known: dict[str, Key] = {}

    def all(self) -> list[Key]:
        """Oldest first. StoreError when the file is not readable: nobody may be let in by that."""
        try:
            state = self._path.stat()
        except FileNotFoundError:
            self._seen, self._known = None, {}
            return []
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {error.strerror}") from error
        if self._seen != (state.st_mtime_ns, state.st_ino):
            self._known = self._read()
            self._seen = (state.st_mtime_ns, state.st_ino)
        return list(self._known.values())

    def find(self, secret: str) -> Key | None:
        """Whose secret it is."""
        shape = _SECRET.match(secret)
        known = self.by_id(shape[1]) if shape else None
        given = _hash(secret)
        return known if known is not None and hmac.compare_digest(given, known.hash) else None

    def by_id(self, id: str) -> Key | None:
        """A key that was not revoked."""
        return next((key for key in self.all() if key.id == id), None)

    def session_secret(self) -> bytes:
        """What sessions on the page are signed with; made when first asked for. Without the file every session ends."""
        path = self._path.with_name("session.key")
        if (secret := _secret_in(path)) is None:
            with self._changing():
                if (secret := _secret_in(path)) is None:  # still: another process may have been first
                    secret = os.urandom(SECRET_BYTES)
                    self._replace(path, secret)
        return secret

    def create(self, name: str, workspace: str, *, is_admin: bool = False) -> tuple[Key, str]:
        """The key and its secret, which is nowhere else."""
        check_workspace(workspace)
        if not 1 <= len(name) <= 100 or not name.isprintable():
            raise StoreError(f"name is {name!r}; allowed: 1 to 100 printable characters")
        id = secrets.token_hex(4)
        secret = f"tm_{id}_{secrets.token_urlsafe(32)}"
        key = Key(id, name, workspace, _hash(secret), time.time_ns() // 1000, is_admin)
        with self._changing():
            self._write([*self.all(), key])
        return key, secret

    def revoke(self, id: str) -> Key:
        """StoreError when there is none."""
        with self._changing():
            left = [key for key in self.all() if key.id != id]
            gone = self.by_id(id)
            if gone is None:
                raise StoreError(f"no key {id!r}; `trailmark keys ls` shows their ids")
            self._write(left)
        return gone

    def _read(self) -> dict[str, Key]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return {one["id"]: Key(**one) for one in told["keys"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self._path} cannot be read ({error}); mend it, or move it away and make new keys"
            ) from error

    def _write(self, keys: list[Key]) -> None:
        self._replace(self._path, json.dumps({"keys": [asdict(key) for key in keys]}, indent=1).encode())

    def _replace(self, path: Path, content: bytes) -> None:
        fresh = path.with_suffix(".new")
        fd = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One at a time, whoever else makes keys."""
        with contextlib.suppress(FileExistsError):
            self._path.parent.mkdir(mode=0o700, parents=True)
        try:
            fd = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot write to {self._path.parent}: {error.strerror}") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def check_workspace(name: str) -> None:
    """StoreError for what is no name of a workspace: it names a file too."""
    if not _WORKSPACE.match(name) or ".." in name:
        raise StoreError(f"workspace is {name!r}; allowed: a-z, 0-9, '.', '_', '-', up to 63 characters, no '..'")


def _secret_in(path: Path) -> bytes | None:
    with contextlib.suppress(OSError):
        if len(secret := path.read_bytes()) == SECRET_BYTES:
            return secret
    return None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
