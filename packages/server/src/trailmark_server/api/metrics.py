"""The dashboard's numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from trailmark_server.api import models
from trailmark_server.api.answers import answer
from trailmark_server.api.params import Bounds, Buckets, Text
from trailmark_server.api.problems import Problem
from trailmark_server.store import GROUPS, METRICS, Store

__all__ = ["router"]


def router(store: Store) -> APIRouter:
    """`/api/v1/projects/{project}/metrics` and `/top`."""
    routes = APIRouter(prefix="/api/v1", tags=["metrics"])

    @routes.get("/projects/{project:path}/metrics", response_model=models.Metrics)
    def metrics(
        request: Request,
        project: str,
        bounds: Bounds,
        m: Annotated[str, Query(description=", ".join(METRICS))] = "count,errors,latency",
        by: Annotated[str, Query(description=", ".join(filter(None, GROUPS)))] = "",
        q: Text = "",
        buckets: Buckets = 60,
    ) -> Response:
        wanted = tuple(m.split(","))
        for name in wanted:
            if name not in METRICS:
                raise Problem(400, f"m has {name!r}; allowed: {', '.join(METRICS)}")
        if by not in GROUPS:
            raise Problem(400, f"by is {by!r}; allowed: {', '.join(filter(None, GROUPS))}, or nothing")
        with store.read() as reader:
            found = reader.metrics(project, wanted=wanted, by=by, query=q, bounds=bounds, buckets=buckets)
        return answer(request, found)

    @routes.get("/projects/{project:path}/top", response_model=list[models.TopRow])
    def top(
        request: Request,
        project: str,
        bounds: Bounds,
        what: Literal["names", "users", "models", "errors", "tools"],
        q: Text = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
    ) -> Response:
        """Slowest names, costliest users and models, most frequent errors, tools by their failures."""
        with store.read() as reader:
            return answer(request, reader.top(project, what=what, query=q, bounds=bounds, limit=limit))

    return routes
