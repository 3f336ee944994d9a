"""What a request is called: its method and the template of its route. Pure look-ups, no matching a second time."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

__all__ = ["template"]


def template(scope: MutableMapping[str, Any], root_before: str) -> str | None:
    """`/items/{id}` with what the application is mounted under; None before routing, and where nothing matched."""
    root = scope.get("root_path", "")
    prefix = root.removeprefix(root_before) if root.startswith(root_before) else root
    found = _path_of(scope)
    if found is not None:
        return f"{prefix}{found}"
    return prefix or None


def _path_of(scope: MutableMapping[str, Any]) -> str | None:
    """FastAPI from 0.137 on includes routers lazily: the route alone then lacks their prefix."""
    context = scope.get("fastapi")
    effective = context.get("effective_route_context") if isinstance(context, dict) else None
    for holder in (effective, scope.get("route")):
        for name in ("path_format", "path"):
            path = getattr(holder, name, None)
            if isinstance(path, str):
                return path
    return _by_endpoint(scope)


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
