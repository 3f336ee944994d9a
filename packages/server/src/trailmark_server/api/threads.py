"""Conversations: pages of them, and one turn by turn."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from trailmark_server.api import models
from trailmark_server.api.answers import answer
from trailmark_server.api.params import Bounds, Limit, Seq, Text
from trailmark_server.api.traces import bounded
from trailmark_server.store import Store

__all__ = ["router"]


def router(store: Store) -> APIRouter:
    """`/api/v1/projects/{project}/threads` and `/api/v1/threads/{id}?project=`: an id may hold any character."""
    routes = APIRouter(prefix="/api/v1", tags=["threads"])

    @routes.get("/projects/{project:path}/threads", response_model=models.ThreadPage)
    def threads(
        request: Request, project: str, bounds: Bounds, q: Text = "", limit: Limit = 100, cursor: str | None = None
    ) -> Response:
        with store.read() as reader:
            return answer(request, reader.thread_rows(project, query=q, bounds=bounds, limit=limit, cursor=cursor))

    @routes.get("/threads/{id:path}", response_model=models.Thread)
    def thread(
        request: Request,
        id: str,
        project: str,
        after: Seq = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        max_bytes: Annotated[int, Query(ge=1024, le=2**28)] = 65_536,
    ) -> Response:
        with store.read() as reader:
            found = reader.thread(project, id, after=after, limit=limit)
        for turn in found["turns"]:
            bounded(turn, max_bytes)
        return answer(request, found)

    return routes
