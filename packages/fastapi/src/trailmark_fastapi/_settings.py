"""What a user may say of the traces of an application, checked when it is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypedDict

from starlette.requests import HTTPConnection

__all__ = ["DEFAULT_EXCLUDE", "Options", "Settings", "Value"]

Value: TypeAlias = Any | Callable[[HTTPConnection], Any]
DEFAULT_EXCLUDE: Final = (
    r"/(health|healthz|livez|readyz|ready|live|ping|metrics|favicon\.ico|robots\.txt|openapi\.json|docs|docs/oauth2-redirect|redoc)/?$",
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The arguments of `TrailmarkMiddleware`."""

    exclude: Iterable[str] = DEFAULT_EXCLUDE
    capture_request_body: bool = False
    capture_response_body: bool = False
    max_body_bytes: int = 16_384
    capture_headers: Iterable[str] = ()
    thread_id: Value = None
    user_id: Value = None
    tags: Value = None
    metadata: Value = None
    project_name: Value = None
    trust_incoming: bool = True
    response_header: str | None = "x-trace-id"

    def __post_init__(self) -> None:
        for name in ("exclude", "capture_headers"):
            given = getattr(self, name)
            if isinstance(given, str) or not all(isinstance(item, str) for item in given):
                raise TypeError(f"{name} is {given!r}; allowed: a list of texts")
        if isinstance(self.max_body_bytes, bool) or not isinstance(self.max_body_bytes, int) or self.max_body_bytes < 0:
            raise ValueError(f"max_body_bytes is {self.max_body_bytes!r}; allowed: a whole number of bytes, 0 or more")
        for name in ("thread_id", "user_id", "project_name"):
            self._check(name, str, "a text")
        self._check("metadata", Mapping, "a mapping")
        if isinstance(self.tags, str):
            raise TypeError(f"tags is {self.tags!r}; allowed: a list of texts, or a function of the request")

    def _check(self, name: str, kind: type, allowed: str) -> None:
        given = getattr(self, name)
        if given is not None and not callable(given) and not isinstance(given, kind):
            raise TypeError(f"{name} is {given!r}; allowed: {allowed}, or a function of the request")

    def excluded(self) -> Callable[[str], bool]:
        """Whether a path is left out. Raises ValueError for what is no regular expression."""
        try:
            patterns = [re.compile(pattern) for pattern in self.exclude]
        except re.error as error:
            raise ValueError(f"exclude has {error.pattern!r}, which is no regular expression: {error}") from None
        return lambda path: any(pattern.match(path) for pattern in patterns)
