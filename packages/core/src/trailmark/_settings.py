"""Settings: argument > configure() > environment > `$TRAILMARK_HOME/config.toml` > default.

The only reader of os.environ.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from trailmark._recorder import Sampler
from trailmark._redact import Redactor, UserRedactor
from trailmark.errors import SettingsError
from trailmark.model import MAX_NAME, shown, written

__all__ = ["Problem", "Settings", "check", "load", "sources"]

GB: Final = 1024**3
DEFAULT_HOME: Final = Path("~/.trailmark")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. `url` None means local mode."""

    url: str | None = None
    api_key: str | None = None
    workspace: str = "default"
    project_name: str = "Default Project"
    home: Path = DEFAULT_HOME
    track_disable: bool = False
    sample_rate: float = 1.0
    sampler: Sampler | None = None  # judges each root span: true, false, or None for sample_rate
    keep_errors: bool = False  # of what is not in the sample, write the traces in which something failed
    environment: str | None = None  # of every trace: "production", …
    release: str | None = None  # of every trace, as its metadata.version
    capture_input: bool = True
    capture_output: bool = True
    capture_media: bool = True  # pictures, recordings, documents in values, kept as attachments; false: only their size
    flush_timeout: float = 2.0  # seconds, also the longest wait at exit
    spool_max_bytes: int | None = None  # None: 4 GB locally, 1 GB remotely
    fsync: Literal["off", "interval", "always"] = "interval"  # interval: once a second
    redact: bool | UserRedactor | tuple[UserRedactor, ...] = True  # functions come after the built-in patterns
    redact_allow: tuple[str, ...] = ()  # keys that are never masked
    quiet: bool = False
    debug: bool = False

    @property
    def spool_limit(self) -> int:
        """Bytes the spool may take in this mode."""
        return self.spool_max_bytes or (GB if self.url else 4 * GB)

    def redactor(self) -> Redactor:
        """What takes secrets out."""
        own = () if isinstance(self.redact, bool) else self.redact if isinstance(self.redact, tuple) else (self.redact,)
        return Redactor(own, patterns=self.redact is not False, allow=self.redact_allow)

    def __repr__(self) -> str:
        shown = replace(self, api_key="***" if self.api_key else None)
        return f"Settings({', '.join(f'{f.name}={getattr(shown, f.name)!r}' for f in fields(shown))})"


def _url(value: Any) -> str | None:
    if value is None or value == "":
        return None
    from urllib.parse import urlsplit

    parts = urlsplit(value) if isinstance(value, str) else None
    try:
        good = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("an http:// or https:// address, or nothing for local mode")
    return str(value).rstrip("/")


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, (str, int)):
        raise ValueError("true or false")
    known = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
        "": False,
    }
    if str(value).lower() not in known:
        raise ValueError("true or false")
    return known[str(value).lower()]


def _between(low: float, high: float, text: str) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if isinstance(value, bool) or not low <= number <= high:
            raise ValueError(text)
        return number

    return check


def _bytes(value: Any) -> int:
    good = isinstance(value, int) or (isinstance(value, str) and value.isdecimal() and len(value) < 20)
    if isinstance(value, bool) or not good or not 4_000_000 <= int(value) < 1 << 60:
        raise ValueError("a whole number of bytes, 4000000 or more")
    return int(value)


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(" or ".join(allowed))
        return str(value)

    return check


def _redact(value: Any) -> bool | UserRedactor | tuple[UserRedactor, ...]:
    if callable(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, (list, tuple)) and value and all(callable(item) for item in value):
        return tuple(value)
    try:
        return _bool(value)
    except ValueError:
        raise ValueError("on or off, a function that takes a value and returns what to record, or several") from None


def _sampler(value: Any) -> Sampler:
    if not callable(value):
        raise ValueError("a function that takes the root span and returns true, false or None")
    return value  # type: ignore[no-any-return]


def _keys(value: Any) -> tuple[str, ...]:
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(isinstance(name, str) for name in names):
        raise ValueError("key names, separated by commas")
    return tuple(name for name in names if name)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME:
        raise ValueError(f"a non-empty text of at most {MAX_NAME} characters")
    return written(value)


def _header(value: Any) -> str:
    """As it can stand in a header; the line's end that files of secrets have is none of it."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isascii() or not text.isprintable() or len(text) > MAX_NAME:
        raise ValueError(f"a non-empty text of at most {MAX_NAME} ASCII letters, digits and signs")
    return text


def _home(value: Any) -> Path:
    try:
        good = isinstance(value, (str, Path)) and str(value) != "" and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        good = False
    if not good:
        raise ValueError("a folder")
    return Path(value)


_CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "url": _url,
    "api_key": _header,
    "workspace": _header,
    "project_name": _text,
    "home": _home,
    "track_disable": _bool,
    "sample_rate": _between(0, 1, "a number from 0 to 1"),
    "sampler": _sampler,
    "keep_errors": _bool,
    "environment": _text,
    "release": _text,
    "capture_input": _bool,
    "capture_output": _bool,
    "capture_media": _bool,
    "flush_timeout": _between(0, 3600, "seconds from 0 to 3600"),
    "spool_max_bytes": _bytes,
    "fsync": _one_of("off", "interval", "always"),
    "redact": _redact,
    "redact_allow": _keys,
    "quiet": _bool,
    "debug": _bool,
}
_CAPTURE: Final = {"capture_input": False, "capture_output": False, "capture_media": False}
# What holds where it cannot be read: who wrote something there wanted less to be recorded, not more.
_CLOSED: Final[dict[str, bool]] = {**_CAPTURE, "redact": True, "track_disable": True}
Problem: TypeAlias = Callable[[SettingsError, str], None]  # what is wrong, and what is done instead
_OPIK: Final = {
    "url": "OPIK_URL_OVERRIDE",
    "api_key": "OPIK_API_KEY",
    "workspace": "OPIK_WORKSPACE",
    "project_name": "OPIK_PROJECT_NAME",
    "track_disable": "OPIK_TRACK_DISABLE",
}


def load(
    given: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    problem: Problem | None = None,
) -> Settings:
    """Settings from all sources. A bad one raises SettingsError; or it goes to `problem`, and its default is used.

    But of what somebody may have wanted left out nothing is recorded then.
    """
    environ = os.environ if environ is None else environ
    problem = problem or _raise
    found: dict[str, Any] = {}
    _take(found, given, str, problem)
    _take(found, _environment(environ, problem), _from_environment, problem)
    home = _expanded(found.get("home", DEFAULT_HOME))
    _take(found, _file(home, problem), lambda key: f"{key} in {home / 'config.toml'}", problem)
    found["home"] = home
    return Settings(**found)


def check(given: Mapping[str, Any]) -> None:
    """SettingsError when an argument is unknown or its value not allowed; environment and file are not looked at."""
    _take({}, given, str, _raise)


def sources(given: Mapping[str, Any], home: Path) -> dict[str, str]:
    """Where each setting that is not at its default comes from: for `python -m trailmark config`."""
    told = dict.fromkeys(_file(home, lambda *_: None), "config.toml")
    for key in _CHECKS:
        for name in (_OPIK.get(key, ""), _from_environment(key)):
            if os.environ.get(name):
                told[key] = name
    return told | dict.fromkeys(given, "argument")


def _expanded(home: Path) -> Path:
    """`~` as the user's folder; where there is none, a folder of this user's among the temporary ones."""
    try:
        return home.expanduser()
    except RuntimeError:
        return Path("/tmp") / f"trailmark-{os.getuid()}"  # noqa: S108 - opened with 0700 and O_NOFOLLOW like any home


def _take(
    found: dict[str, Any],
    source: Mapping[str, Any],
    named: Callable[[str], str],
    problem: Problem,
) -> None:
    for key, value in source.items():
        if key not in _CHECKS:
            problem(SettingsError(f"unknown setting {named(key)}; known: {', '.join(_CHECKS)}"), "it is left out")
        elif key not in found:
            try:
                found[key] = _CHECKS[key](value)
            except ValueError as error:
                told = "***" if key == "api_key" else shown(value)
                instead = f"{str(_CLOSED[key]).lower()} is used" if key in _CLOSED else "the default is used"
                problem(SettingsError(f"{named(key)} is {told}; allowed: {error}"), instead)
                if key in _CLOSED:  # no source further down opens it again
                    found[key] = _CLOSED[key]


def _from_environment(key: str) -> str:
    return f"TRAILMARK_{key.upper()}"


def _environment(environ: Mapping[str, str], problem: Problem) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in _CHECKS:
        for name in (_from_environment(key), _OPIK.get(key, "")):
            if environ.get(name):
                found.setdefault(key, environ[name])
    for name in environ:
        if name.startswith("TRAILMARK_") and name[10:].lower() not in _CHECKS and name not in _FOREIGN:
            allowed = ", ".join(map(_from_environment, _CHECKS))
            problem(SettingsError(f"unknown setting {name}; known: {allowed}"), "it is left out")
    return found


# Read by the server and by the project's own scripts.
_FOREIGN: Final = frozenset({"TRAILMARK_CHROMIUM", "TRAILMARK_SCREENSHOTS"})


def _file(home: Path, problem: Problem) -> dict[str, Any]:
    file = home / "config.toml"
    try:
        written = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        problem(SettingsError(f"{file} cannot be read: {error.strerror}"), _NOT_READ)
        return dict(_CAPTURE)
    import tomllib

    try:
        return tomllib.loads(written.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem(SettingsError(f"{file} is not TOML: {error}"), _NOT_READ)
        return dict(_CAPTURE)


_NOT_READ: Final = "the defaults are used, but inputs, outputs and media are not recorded"


def _raise(error: SettingsError, _instead: str) -> None:
    raise error
