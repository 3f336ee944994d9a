"""Projects, and what the server says of itself."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Request, Response
from trailmark import spool

from trailmark_server import __version__
from trailmark_server.api import models
from trailmark_server.api.access import Access
from trailmark_server.api.answers import answer
from trailmark_server.api.bulk import MOST, run
from trailmark_server.api.clients import Clients
from trailmark_server.api.jobs import STARTED, started
from trailmark_server.api.problems import Problem
from trailmark_server.jobs import Worker, start
from trailmark_server.seed import records
from trailmark_server.store import Store
from trailmark_server.workspaces import current

__all__ = ["router"]

_SAMPLES: Final = 600  # spans
_CHUNK: Final = 50  # traces deleted in one transaction: others write in between
_FEATURES: Final = ("live", "threads", "scores", "metrics", "compare", "views", "export", "bulk", "files")


def router(store: Store, home: Path, clients: Clients, access: Access, worker: Worker) -> APIRouter:
    """`/api/v1/meta`, `/api/v1/projects`, `/api/v1/projects/{project}/bulk`."""
    routes = APIRouter(prefix="/api/v1", tags=["projects"])

    @routes.get("/meta", response_model=models.Meta)
    def meta(request: Request) -> dict[str, Any]:
        return {
            "version": __version__, "schema": store.schema, "auth": access.is_needed(), "workspace": current.get(),
            "features": list(_FEATURES), "root_path": request.scope.get("root_path", ""), "home": str(home),
            "disk_bytes": store.disk_bytes(), "now_us": time.time_ns() // 1000, "clients": clients.shown(),
            "ingest": {"waiting": _waiting(home), **clients.lateness()},
            "text_index": {"waiting": store.health().unindexed},
            "capabilities": asdict(store.capabilities()), "health": asdict(store.health()),
        }  # fmt: skip

    @routes.get("/clients", response_model=list[models.Client])
    def recording(request: Request) -> Response:
        """What recording programs say of themselves, newest first."""
        return answer(request, clients.shown())

    @routes.get("/projects", response_model=list[models.Project])
    def listed(request: Request) -> Response:
        with store.read() as reader:
            return answer(request, reader.activity())

    @routes.post("/projects", response_model=models.Project, status_code=201)
    def create(given: models.ProjectName) -> dict[str, Any]:
        store.write(lambda writer: writer.create_project(given.name))
        return _one(store, given.name)

    @routes.patch("/projects/{project:path}", response_model=models.Project)
    def rename(project: str, given: models.ProjectName) -> dict[str, Any]:
        """Programs that go on recording under the old name make it anew."""
        store.write(lambda writer: writer.rename_project(project, given.name))
        return _one(store, given.name)

    _add_work_on_many(routes, store, worker)
    _add_samples(routes, store)
    return routes


def _add_work_on_many(routes: APIRouter, store: Store, worker: Worker) -> None:
    @routes.post("/projects/{project:path}/bulk", response_model=models.BulkDone, responses=STARTED)
    def bulk(project: str, given: Annotated[models.Bulk, Body()]) -> Any:
        """Of more than 10,000 traces a job does it, which is answered with 202 (`/jobs/{id}`)."""
        done = run(store, worker, project, given)
        return {"done": done} if isinstance(done, int) else started(done)

    @routes.delete("/projects/{project:path}", response_model=models.BulkDone, responses=STARTED)
    def delete(
        project: str, expected: Annotated[int, Query(ge=0, description="How many traces it is said to have.")]
    ) -> Any:
        """Of more than 10,000 traces a job does it, which is answered with 202 (`/jobs/{id}`)."""
        found = _one(store, project)
        if found["traces"] != expected:
            raise Problem(409, f"the project has {found['traces']} traces, not {expected}", traces=found["traces"])
        if expected > MOST:
            job = start(store, project, "drop", total=expected)
            worker.tell()
            return started(job)
        while not store.write(lambda writer: writer.drop_project(project, _CHUNK)):
            pass
        return {"done": found["traces"]}


def _add_samples(routes: APIRouter, store: Store) -> None:
    @routes.post("/projects/{project:path}/samples", response_model=models.BulkDone, status_code=201)
    def samples(project: str) -> dict[str, Any]:
        """Made-up traces of the last day, to look around in; only into a project without traces."""
        with store.read() as reader:
            if any(one["traces"] for one in reader.activity() if one["name"] == project):
                raise Problem(409, f"{project!r} has traces of its own; allowed: a project without any")
        made = records(_SAMPLES, until_us=time.time_ns() // 1000, seed=secrets.randbits(32), days=1)
        found = [{**record, "project": project} for record in made]
        store.put(found)
        return {"done": len(found)}


def _one(store: Store, name: str) -> dict[str, Any]:
    with store.read() as reader:
        found = [project for project in reader.activity() if project["name"] == name]
    if not found:
        raise Problem(404, f"no project {name!r}")
    return found[0]


def _waiting(home: Path) -> int:
    """How many programs on this machine have records in the spool that are not in the store yet."""
    owners = {found.owner for found in spool.segments(home) if not found.destination and spool.read(found, 1)}
    return len(owners)
