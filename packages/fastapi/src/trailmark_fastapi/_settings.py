"""What a user may say of the traces of an application, checked when it is said."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, TypedDict

from starlette.requests import HTTPConnection

__all__ = ["DEFAULT_EXCLUDE", "Options", "Settings", "Value", "checked"]

Value: TypeAlias = Any | Callable[[HTTPConnection], Any]
DEFAULT_EXCLUDE: Final = (
    r"/(health|healthz|livez|readyz|ready|live|ping|metrics|favicon\.ico|robots\.txt|openapi\.json|docs|docs/oauth2-redirect|redoc)/?$",
)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OF_USER: Final[dict[str, tuple[Any, str]]] = {
    "thread_id": (str, "a text"),
    "user_id": (str, "a text"),
    "tags": (Iterable, "a list of texts"),
    "metadata": (Mapping, "a mapping"),
    "project_name": (str, "a text"),
}


class Options(TypedDict, total=False):
    """The arguments of `TrailmarkMiddleware`, for type checkers."""

    exclude: Iterable[str]
    capture_request_body: bool
    capture_response_body: bool
    max_body_bytes: int
    capture_headers: Iterable[str]
    thread_id: Value
    user_id: Value
    tags: Value
    metadata: Value
    project_name: Value
    trust_incoming: bool
    response_header: str | None


class Settings:
    """The arguments of `TrailmarkMiddleware`, checked, and made ready for what every request asks of them."""

    def __init__(
        self,
        *,
        exclude: Iterable[str] = DEFAULT_EXCLUDE,
        capture_request_body: bool = False,
        capture_response_body: bool = False,
        max_body_bytes: int = 16_384,
        capture_headers: Iterable[str] = (),
        trust_incoming: bool = True,
        response_header: str | None = "x-trace-id",
        **of_user: Value,
    ) -> None:
        self.is_excluded = _excluded(_texts("exclude", exclude))
        self.capture_request_body = _flag("capture_request_body", capture_request_body)
        self.capture_response_body = _flag("capture_response_body", capture_response_body)
        if isinstance(max_body_bytes, bool) or not isinstance(max_body_bytes, int) or max_body_bytes < 0:
            raise ValueError(f"max_body_bytes is {max_body_bytes!r}; allowed: a whole number of bytes, 0 or more")
        self.max_body_bytes = max_body_bytes
        self.wanted_headers = frozenset(
            name.lower().encode("latin-1", "replace") for name in _texts("capture_headers", capture_headers)
        )
        self.trust_incoming = _flag("trust_incoming", trust_incoming)
        self.response_header = _header_name(response_header)
        self.of_user = [(name, _of_user(name, value)) for name, value in of_user.items() if value is not None]
        self.looks_closer = bool(self.wanted_headers) or capture_request_body or capture_response_body


def checked(name: str, value: Any) -> Any:
    """A value for that field of a trace; raises TypeError for one that cannot be."""
    if name == "tags":
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise TypeError(f"tags is {value!r}; allowed: a list of texts")
        return [str(tag) for tag in value]
    if name == "metadata":
        if not isinstance(value, Mapping):
            raise TypeError(f"metadata is {value!r}; allowed: a mapping")
        return dict(value)
    return str(value)


def _of_user(name: str, value: Value) -> Value:
    if name not in _OF_USER:
        raise TypeError(f"unknown option {name!r}; known: {', '.join(Options.__annotations__)}")
    if inspect.iscoroutinefunction(value):
        raise TypeError(f"{name} is an async function; allowed: a plain function of the request")
    kind, allowed = _OF_USER[name]
    if not callable(value) and (not isinstance(value, kind) or (name == "tags" and isinstance(value, str))):
        raise TypeError(f"{name} is {value!r}; allowed: {allowed}, or a function of the request")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; allowed: True or False")
    return value


def _texts(name: str, given: Any) -> list[str]:
    texts = [] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if isinstance(given, str) or not isinstance(given, Iterable) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{name} is {given!r}; allowed: a list of texts")
    return texts


def _header_name(given: Any) -> bytes | None:
    """As servers want it: one they refuse would take the whole answer with it."""
    if given is None:
        return None
    if not isinstance(given, str) or not _TOKEN.fullmatch(given):
        raise ValueError(f"response_header is {given!r}; allowed: the name of a header, or None")
    return given.lower().encode()


def _excluded(patterns: list[str]) -> Callable[[str], Any]:
    """Whether a path is left out. Raises ValueError for what is no regular expression."""
    try:
        known = [re.compile(pattern).match for pattern in patterns]
    except re.error as error:
        raise ValueError(f"exclude has {error.pattern!r}, which is no regular expression: {error}") from None
    return known[0] if len(known) == 1 else lambda path: any(match(path) for match in known)
