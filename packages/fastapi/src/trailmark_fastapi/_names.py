"""What a request is called: its method and the template of its route. Pure look-ups, no matching a second time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final

__all__ = ["Names", "template"]

_MOST: Final = 1000
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")


class Names:
    """Templates of requests that were answered: later requests are called by them from their first moment.

    A guess, which what the routing says replaces. A template that was wrong once is never guessed again.
    """

    def __init__(self) -> None:
        self._exact: set[str] = set()
        self._patterns: dict[str, str] = {}
        self._refused: set[str] = set()
        self._known: tuple[Callable[[str], re.Match[str] | None], tuple[str, ...]] | None = None

    def guess(self, path: str) -> str | None:
        """The template that path had before, or one that its like had."""
        if path in self._exact:
            return path
        known = self._known  # replaced whole: a server may have several threads
        if known is None or (found := known[0](path)) is None:
            return None
        return known[1][(found.lastindex or 1) - 1]

    def learn(self, path: str, found: str, guessed: str | None) -> None:
        """A path was routed to the template `found`, and `guessed` was not it."""
        if guessed is not None:
            self._refuse(guessed)
        if found in self._refused or len(self._refused) + len(self._exact) + len(self._patterns) > _MOST:
            return
        if found == path:
            self._exact.add(path)
        elif (pattern := _pattern(found)) and re.fullmatch(pattern, path):
            self._patterns[found] = pattern
            self._compile()
        else:
            self._refused.add(found)

    def _refuse(self, template: str) -> None:
        self._refused.add(template)
        self._exact.discard(template)
        if self._patterns.pop(template, None) is not None:
            self._compile()

    def _compile(self) -> None:
        patterns = dict(self._patterns)
        known = re.compile("|".join(f"({pattern})" for pattern in patterns.values())).fullmatch
        self._known = (known, tuple(patterns)) if patterns else None


def _pattern(found: str) -> str | None:
    """For parameters that are whole segments: anything else might take its time with a long path."""
    segments = found.split("/")
    if any("{" in segment and not _PARAMETER.fullmatch(segment) for segment in segments):
        return None
    return "/".join("[^/]+" if "{" in segment else re.escape(segment) for segment in segments)


def template(scope: MutableMapping[str, Any], root_before: str) -> str | None:
    """`/items/{id}` with what the application is mounted under; None before routing, and where nothing matched."""
    root, found = scope.get("root_path", ""), _path_of(scope)
    if root == root_before:
        return found
    prefix = root.removeprefix(root_before)
    return f"{prefix}{found}" if found is not None else prefix or None


def _path_of(scope: MutableMapping[str, Any]) -> str | None:
    """FastAPI from 0.137 on includes routers lazily: the route alone then lacks their prefix."""
    context = scope.get("fastapi")
    if isinstance(context, dict) and (path := _said(context.get("effective_route_context"))) is not None:
        return path
    return path if (path := _said(scope.get("route"))) is not None else _by_endpoint(scope)


def _said(holder: Any) -> str | None:
    path = getattr(holder, "path_format", None)
    if not isinstance(path, str):
        path = getattr(holder, "path", None)
    return path if isinstance(path, str) else None


def _by_endpoint(scope: MutableMapping[str, Any]) -> str | None:
    """Plain Starlette says only which endpoint it chose; one that stands under several routes is told by parameters."""
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return None
    found = [route for route in _routes(scope.get("router")) if getattr(route, "endpoint", None) is endpoint]
    if len(found) > 1:
        given = set(scope.get("path_params", ()))
        found = [route for route in found if set(getattr(route, "param_convertors", ())) == given]
    path = getattr(found[0], "path_format", None) if len(found) == 1 else None
    return path if isinstance(path, str) else None


def _routes(holder: Any) -> Iterator[Any]:
    for route in getattr(holder, "routes", None) or ():
        yield route
        yield from _routes(route)
