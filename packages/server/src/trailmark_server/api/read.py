"""What the page asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query

from trailmark_server import __version__
from trailmark_server.api.problems import Problem
from trailmark_server.store import Store

__all__ = ["router"]

Limit = Annotated[int, Query(ge=1, le=500)]


def router(store: Store, home: Path) -> APIRouter:
    """Everything under `/api/v1` that only reads."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/meta")
    def meta() -> dict[str, Any]:
        return {"version": __version__, "schema": store.schema, "home": str(home), "disk_bytes": store.disk_bytes()}

    @routes.get("/projects")
    def projects() -> list[dict[str, Any]]:
        with store.read() as reader:
            return reader.projects()

    @routes.get("/projects/{project:path}/traces/delta")
    def delta(project: str, since: int = 0, limit: Limit = 200) -> dict[str, Any]:
        with store.read() as reader:
            return reader.changes(project, since=since, limit=limit)

    @routes.get("/projects/{project:path}/traces")
    def traces(project: str, limit: Limit = 200, cursor: str | None = None, q: str = "") -> dict[str, Any]:
        with store.read() as reader:
            try:
                return reader.traces(project, limit=limit, cursor=cursor, query=q)
            except ValueError as error:
                raise Problem(400, str(error)) from error

    @routes.get("/traces/{id}")
    def trace(id: str) -> dict[str, Any]:
        with store.read() as reader:
            return reader.trace(id)

    @routes.get("/traces/{id}/spans/{span_id}")
    def span(id: str, span_id: str, max_bytes: Annotated[int, Query(ge=1024, le=2**28)] = 262_144) -> dict[str, Any]:
        with store.read() as reader:
            return _bounded(reader.span(id, span_id), max_bytes)

    return routes


def _bounded(span: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    """Fields past the bound come as the beginning of their JSON, with their size in `truncated`."""
    for key in ("input", "output", "metadata", "usage_raw"):
        data = orjson.dumps(span[key])
        if len(data) > max_bytes:
            span[key] = data[:max_bytes].decode(errors="ignore")
            span["truncated"][key] = len(data)
    return span
