"""The composition of the routes."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from trailmark_server import __version__
from trailmark_server.api import (
    comments,
    facets,
    files,
    jobs,
    keys,
    lists,
    metrics,
    native,
    operations,
    opik,
    opik_comments,
    opik_environments,
    opik_files,
    opik_threads,
    otlp,
    pages,
    projects,
    scores,
    session,
    settings,
    threads,
    traces,
)
from trailmark_server.api.access import Access
from trailmark_server.api.clients import Clients
from trailmark_server.api.observed import Observed
from trailmark_server.api.problems import Problem, problem
from trailmark_server.api.security import Rules, Security
from trailmark_server.jobs import Worker
from trailmark_server.keys import Keys
from trailmark_server.query import QueryError
from trailmark_server.store import CursorError, ExistsError, FullError, NotFoundError, Store, StoreError, TooLongError
from trailmark_server.workspaces import Workspaces

__all__ = ["create_app"]


def create_app(default: Store, home: Path, clients: Clients | None = None, *, rules: Rules | None = None) -> FastAPI:
    """The server as an ASGI application, on the default workspace's store. Without rules it is loopback's."""
    rules = rules or Rules(Access(Keys(home)))
    store, observed = Workspaces(default, home / "workspaces"), Observed()
    app = FastAPI(
        title="trailmark", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json"
    )
    app.add_middleware(Security, rules=rules, observed=observed)

    @app.get("/api/is-alive/ping")
    @app.get("/is-alive/ping", include_in_schema=False)
    def ping() -> dict[str, bool]:
        return {"healthy": True}

    clients = clients or Clients()
    app.include_router(native.router(store, clients, observed))
    app.include_router(opik_comments.router(store), include_in_schema=False)  # theirs to describe
    app.include_router(opik_threads.router(store), include_in_schema=False)
    app.include_router(opik_environments.router(store), include_in_schema=False)
    app.include_router(opik.router(store), include_in_schema=False)
    app.include_router(opik_files.router(store), include_in_schema=False)
    app.include_router(otlp.router(store), include_in_schema=False)
    app.include_router(files.router(store))
    for part in (lists, traces, threads, metrics, scores, comments, facets, settings):
        app.include_router(part.router(store))
    app.state.jobs = Worker(store.every)
    app.include_router(jobs.router(store))
    app.include_router(
        projects.router(store, home, clients, rules.access, app.state.jobs)
    )  # last of them: a project's name may hold slashes
    app.include_router(session.router(rules.access))
    app.include_router(keys.router(rules.access))
    app.include_router(operations.router(store, clients, observed, rules.load))
    app.include_router(pages.router(store))
    app.state.stores = store
    _add_errors(app)
    return app


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    def refused(_: Request, error: Problem) -> JSONResponse:
        return problem(error.status, error.detail, **error.more)

    @app.exception_handler(NotFoundError)
    def missing(_: Request, error: NotFoundError) -> JSONResponse:
        return problem(404, str(error))

    @app.exception_handler(ExistsError)
    def taken(_: Request, error: ExistsError) -> JSONResponse:
        return problem(409, str(error))

    @app.exception_handler(TooLongError)
    def too_long(_: Request, error: TooLongError) -> JSONResponse:
        return problem(504, str(error))

    @app.exception_handler(StoreError)
    def broken(_: Request, error: StoreError) -> JSONResponse:
        return problem(507 if isinstance(error, FullError) else 503, str(error), retry_after_s=30)

    @app.exception_handler(QueryError)
    def unclear(_: Request, error: QueryError) -> JSONResponse:
        return problem(400, error.message, start=error.start, end=error.end, expected=list(error.expected))

    @app.exception_handler(CursorError)
    def no_cursor(_: Request, error: CursorError) -> JSONResponse:
        return problem(400, str(error))

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return problem(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
