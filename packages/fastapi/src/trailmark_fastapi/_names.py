"""What a request is called: its method and the template of its route. Pure look-ups, no matching a second time."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any, Final

__all__ = ["Names", "template"]

_MOST: Final = 1000
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")


class _Node:
    """What may follow a part of a path: the segments that were said, and whether any will do."""

    __slots__ = ("any", "literal", "template")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.template: str | None = None


class Names:
    """Templates of requests that were answered: later requests are called by them from their first moment.

    A guess, which what the routing says replaces. A template that was wrong once is never guessed again. A tree by
    segments, so that neither a guess nor a new template costs more where there are many; threads may share it, as
    each change is one store.
    """

    def __init__(self) -> None:
        self._exact: set[str] = set()
        self._by_above: dict[str, str] = {}  # of those where only the last segment may be any: most, so they are quick
        self._known: dict[str, _Node] = {}
        self._refused: set[str] = set()
        self._root = _Node()

    def guess(self, path: str) -> str | None:
        """The template that path had before, or one that its like had."""
        if path in self._exact:
            return path
        above, _, last = path.rpartition("/")
        if last and (found := self._by_above.get(above)) is not None:
            return found
        node = self._root
        for segment in path.split("/"):
            below = node.literal.get(segment) or (node.any if segment else None)
            if below is None:
                return None
            node = below
        return node.template

    def learn(self, path: str, found: str, guessed: str | None) -> None:
        """A path was routed to the template `found`, and `guessed` was not it."""
        if guessed is not None:
            self._refuse(guessed)
        if found in self._refused or len(self._refused) + len(self._exact) + len(self._known) > _MOST:
            return
        if found == path:
            self._exact.add(path)
        elif _fits(found, path):
            self._known[found] = node = self._place(found)
            node.template = found
            above, _, _ = found.rpartition("/")
            if "{" not in above:
                self._by_above[above] = found
        else:
            self._refused.add(found)

    def _refuse(self, template: str) -> None:
        self._refused.add(template)
        self._exact.discard(template)
        node = self._known.pop(template, None)
        if node is not None and node.template == template:
            node.template = None
        above, _, _ = template.rpartition("/")
        if self._by_above.get(above) == template:
            del self._by_above[above]

    def _place(self, template: str) -> _Node:
        node = self._root
        for segment in template.split("/"):
            if "{" in segment:
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.literal.setdefault(segment, _Node())
        return node


def _fits(template: str, path: str) -> bool:
    """Whether its parameters are whole segments, and one each: no others are guessed."""
    parts, segments = template.split("/"), path.split("/")
    return len(parts) == len(segments) and all(
        bool(segment) and _PARAMETER.fullmatch(part) is not None if "{" in part else part == segment
        for part, segment in zip(parts, segments, strict=True)
    )


def template(scope: MutableMapping[str, Any], root_before: str) -> str | None:
    """`/items/{id}` with what the application is mounted under; None before routing, and where nothing matched."""
    context = scope.get("fastapi")  # from 0.137 on routers are included lazily: the route alone then lacks their prefix
    route = context.get("effective_route_context") if type(context) is dict else None
    found = getattr(scope.get("route") if route is None else route, "path_format", None)
    if type(found) is not str:
        found = _path_of(scope)
    root = scope.get("root_path", "")
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
