"""What the page asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query

from trailmark_server import __version__
from trailmark_server.store import NotFoundError, Store

__all__ = ["router"]

Limit = Annotated[int, Query(ge=1, le=500)]


def router(store: Store, home: Path) -> APIRouter:  # noqa: C901 - one route after the other
    """Everything under `/api/v1` that reads, and the deletion of a trace."""
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
            return reader.traces(project, limit=limit, cursor=cursor, query=q)

    @routes.get("/search/{kind}")
    def search(
        kind: Literal["traces", "spans"], project: str, limit: Limit = 100, cursor: str | None = None, q: str = ""
    ) -> dict[str, Any]:
        with store.read() as reader:
            found = reader.found_traces if kind == "traces" else reader.found_spans
            return found(project, limit=limit, cursor=cursor, query=q)

    @routes.delete("/traces/{id}")
    def delete(id: str) -> dict[str, Any]:
        with store.read() as reader:
            reader.trace(id)  # 404 for what is not there
        return {"deleted": store.write(lambda writer: writer.delete_trace(id))}

    @routes.get("/spans/{id}")
    def span_by_id(id: str) -> dict[str, Any]:
        with store.read() as reader:
            trace_id = reader.spans_of(id)
            if trace_id is None:
                raise NotFoundError(f"no span {id}")
            return reader.span(trace_id, id)

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
