"""What works on many traces: how far it is, and stopping it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from trailmark_server import jobs
from trailmark_server.api import models
from trailmark_server.api.answers import answer
from trailmark_server.store import Store

__all__ = ["STARTED", "router", "started"]

STARTED: Final[dict[int | str, dict[str, Any]]] = {202: {"model": models.Job, "description": "A job does it."}}


def router(store: Store) -> APIRouter:
    """`/api/v1/jobs`."""
    routes = APIRouter(prefix="/api/v1", tags=["jobs"])

    @routes.get("/jobs", response_model=list[models.Job])
    def listed(request: Request) -> Response:
        """Newest first; what ended more than a week ago is forgotten."""
        with store.read() as reader:
            return answer(request, [_shown(job) for job in jobs.listed(reader)])

    @routes.get("/jobs/{id}", response_model=models.Job)
    def one(request: Request, id: str) -> Response:
        with store.read() as reader:
            return answer(request, _shown(jobs.found(reader, id)))

    @routes.delete("/jobs/{id}", status_code=204)
    def stop(id: str) -> Response:
        """What is done stays done."""
        jobs.stop(store, id)
        return Response(status_code=204)

    return routes


def started(job: jobs.Job) -> JSONResponse:
    """The answer to who began it: 202, with where to ask."""
    return JSONResponse(_shown(job), 202, {"Location": f"api/v1/jobs/{job['id']}"})


def _shown(job: jobs.Job) -> dict[str, object]:
    return {name: job[name] for name in models.Job.model_fields}
