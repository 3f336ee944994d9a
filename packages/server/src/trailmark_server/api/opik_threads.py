"""Opik's routes about whole conversations, and about who asks."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from trailmark_server.api.bodies import read_json
from trailmark_server.api.opik import MAX_THREADS, PRIVATE
from trailmark_server.api.opik_views import thread_view
from trailmark_server.api.problems import Problem
from trailmark_server.store import NotFoundError, Store

__all__ = ["router"]

THREADS: Final = "/traces/threads"


def router(store: Store) -> APIRouter:
    """`/traces/threads/…`, `/auth…`. To be included before `opik.router`, whose ids match everything."""
    routes = APIRouter(prefix=PRIVATE)

    @routes.put(f"{THREADS}/open", status_code=204)
    @routes.put(f"{THREADS}/close", status_code=204)
    async def switch(request: Request) -> Response:
        await read_json(request)  # a conversation is active while a trace of it runs; there is no more to it here
        return Response(status_code=204)

    @routes.post(f"{THREADS}/retrieve")
    async def retrieve(request: Request) -> Response:
        body = await read_json(request)
        return JSONResponse(await run_in_threadpool(_thread, store, body))

    @routes.post(f"{THREADS}/feedback-scores/delete", status_code=204)
    async def delete_scores(request: Request) -> Response:
        body = await read_json(request)
        thread, names = _text(body, "thread_id"), body.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Problem(400, f"names: it is {type(names).__name__}; allowed: a list of names")
        await run_in_threadpool(
            store.write, lambda writer: [writer.delete_score("thread", thread, name) for name in names]
        )
        return Response(status_code=204)

    @routes.post("/auth", status_code=204)
    def auth() -> Response:
        return Response(status_code=204)

    @routes.get("/auth/workspace")
    def workspace(request: Request) -> dict[str, Any]:
        return {"workspace_name": _workspace(request)}

    @routes.get("/workspace-permissions")
    def permissions(request: Request) -> dict[str, Any]:
        return {"userName": "", "workspaceName": _workspace(request), "permissions": []}

    return routes


def _workspace(request: Request) -> str:
    return request.headers.get("comet-workspace") or "default"


def _thread(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    id = _text(body, "thread_id")
    project = body.get("project_name") or body.get("project_id") or "Default Project"
    with store.read() as reader:
        for row in reader.threads(str(project), limit=MAX_THREADS):
            if row["id"] == id:
                return thread_view(reader, str(project), row)
    raise NotFoundError(f"no thread {id!r} in {project!r}")


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Problem(400, f"{name}: it is {value!r:.80}; allowed: a text")
    return value
