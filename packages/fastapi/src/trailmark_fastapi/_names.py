"""What a request is called: its method and the template of its route. Pure look-ups, no matching a second time."""

from __future__ import annotations

from collections.abc import MutableMapping
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
    """Plain Starlette says only which endpoint it chose."""
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return None
    for route in getattr(scope.get("router"), "routes", ()):
        if getattr(route, "endpoint", None) is endpoint:
            path = getattr(route, "path_format", None)
            return path if isinstance(path, str) else None
    return None
