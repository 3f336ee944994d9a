"""Comments on traces, spans and conversations."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response

from trailmark_server.api import models
from trailmark_server.api.answers import answer
from trailmark_server.api.problems import Problem
from trailmark_server.api.scores import project_of, target_of
from trailmark_server.store import Store

__all__ = ["change", "new", "router"]


def router(store: Store) -> APIRouter:
    """`/api/v1/comments`."""
    routes = APIRouter(prefix="/api/v1/comments", tags=["comments"])

    @routes.get("", response_model=list[models.Comment])
    def listed(
        request: Request,
        trace_id: str | None = None,
        span_id: str | None = None,
        thread_id: str | None = None,
        project: str | None = None,
    ) -> Response:
        """Of a span, a trace with its spans, or a thread (with `project`); oldest first."""
        kind, id = target_of({"span_id": span_id, "trace_id": trace_id, "thread_id": thread_id})
        if kind is None:
            raise Problem(400, "comments on what? Allowed: trace_id, span_id, thread_id with project")
        with store.read() as reader:
            return answer(request, reader.comments(kind, id, project))

    @routes.post("", response_model=models.Comment, status_code=201)
    def say(comment: models.NewComment) -> dict[str, Any]:
        kind, id = target_of(comment.model_dump())
        if kind is None:
            raise Problem(400, "a comment on what? Allowed: one of trace_id, span_id, thread_id")
        with store.read() as reader:
            project = project_of(reader, kind, id, comment.project)
        return new(store, kind, id, project, comment.text, comment.author)

    @routes.patch("/{id}", response_model=models.Comment)
    def edit(id: str, given: models.CommentText) -> dict[str, Any]:
        return change(store, id, given.text)

    @routes.delete("/{id}", status_code=204)
    def take_back(id: str) -> Response:
        store.write(lambda writer: writer.drop_comment(id))
        return Response(status_code=204)

    return routes


def new(store: Store, kind: str, target: str, project: str, text: str, author: str = "") -> dict[str, Any]:
    """A comment as it is stored."""
    now, id = time.time_ns() // 1000, str(uuid4())
    record = {"k": "comment", "id": id, "ver": now, "ts_us": now, "project": project, f"{kind}_id": target}
    store.write(lambda writer: writer.put([{**record, "text": text, "author": author}]))
    with store.read() as reader:
        return reader.comment(id)


def change(store: Store, id: str, text: str) -> dict[str, Any]:
    """The comment with another text. NotFoundError when there is none."""
    with store.read() as reader:
        found = reader.comment(id)
    record = {"k": "comment", **found, "text": text, "ver": max(time.time_ns() // 1000, found["updated_us"] + 1)}
    store.write(lambda writer: writer.put([record]))
    with store.read() as reader:
        return reader.comment(id)
