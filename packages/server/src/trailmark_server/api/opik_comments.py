"""Opik's routes about comments on traces, spans and conversations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from trailmark_server.api.bodies import read_json
from trailmark_server.api.comments import change, new
from trailmark_server.api.opik import MAX_THREADS, PRIVATE
from trailmark_server.api.opik_views import comment_view, thread_model_id
from trailmark_server.api.problems import Problem
from trailmark_server.api.scores import project_of
from trailmark_server.ingest.records import MAX_COMMENT
from trailmark_server.store import NotFoundError, Reader, Store, Writer

__all__ = ["router"]

MOST: Final = 1000
Find = Callable[[Reader, str], tuple[str, str]]  # its id → what it names here, and the project of that


def router(store: Store) -> APIRouter:
    """`…/comments…`. To be included before `opik.router`, whose ids match everything."""
    routes = APIRouter(prefix=PRIVATE)
    _add(routes, store, "thread", "/traces/threads", _thread)
    _add(routes, store, "trace", "/traces", lambda reader, of: _target(reader, "trace", of))
    _add(routes, store, "span", "/spans", lambda reader, of: _target(reader, "span", of))
    return routes


def _add(routes: APIRouter, store: Store, kind: str, path: str, find: Find) -> None:
    @routes.post(f"{path}/comments/delete", status_code=204)
    async def delete(request: Request) -> Response:
        ids = (await read_json(request)).get("ids")
        if not isinstance(ids, list) or not 1 <= len(ids) <= MOST or not all(isinstance(id, str) for id in ids):
            raise Problem(400, f"ids is {ids!r:.80}; allowed: a list of 1 to {MOST} ids")
        await run_in_threadpool(_delete, store, kind, ids)
        return Response(status_code=204)

    @routes.patch(f"{path}/comments/{{id}}", status_code=204)
    async def update(id: str, request: Request) -> Response:
        text = _text(await read_json(request))
        await run_in_threadpool(_update, store, kind, id, text)
        return Response(status_code=204)

    @routes.post(f"{path}/{{of}}/comments", status_code=201)
    async def add(of: str, request: Request) -> Response:
        text = _text(await read_json(request))
        made = await run_in_threadpool(_new, store, kind, of, find, text)
        return Response(status_code=201, headers={"Location": f"{request.url.path}/{made['id']}"})

    @routes.get(f"{path}/{{of}}/comments/{{id}}")
    def get(of: str, id: str) -> Response:
        with store.read() as reader:
            target, _ = find(reader, of)
            found = reader.comment(id)
        if found[f"{kind}_id"] != target:
            raise NotFoundError(f"no comment {id} of {kind} {of}")
        return JSONResponse(comment_view(found))


def _new(store: Store, kind: str, of: str, find: Find, text: str) -> dict[str, Any]:
    with store.read() as reader:
        target, project = find(reader, of)
    return new(store, kind, target, project, text)


def _update(store: Store, kind: str, id: str, text: str) -> None:
    with store.read() as reader:
        if reader.comment(id)[f"{kind}_id"] is None:
            raise NotFoundError(f"no comment {id} of a {kind}")
    change(store, id, text)


def _delete(store: Store, kind: str, ids: list[str]) -> None:
    """Those that are there: Opik's answers 204 for the others too."""

    def job(writer: Writer) -> None:
        for id in there:
            writer.drop_comment(id)

    with store.read() as reader:
        there = {id for id in ids if _is_of(reader, kind, id)}
    store.write(job)


def _is_of(reader: Reader, kind: str, id: str) -> bool:
    try:
        return reader.comment(id)[f"{kind}_id"] is not None
    except NotFoundError:
        return False


def _target(reader: Reader, kind: str, id: str) -> tuple[str, str]:
    """A trace or span, however its id is spelled."""
    project = project_of(reader, kind, id, None)
    return str(UUID(id)), project


def _thread(reader: Reader, model_id: str) -> tuple[str, str]:
    """A conversation by the id that Opik's SDK knows it by."""
    for project in reader.projects():
        for row in reader.threads(project["name"], limit=MAX_THREADS):
            if thread_model_id(project["name"], row["id"]) == model_id:
                return row["id"], project["name"]
    raise NotFoundError(f"no thread {model_id}")


def _text(body: dict[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_COMMENT:
        raise Problem(400, f"text: it is {text!r:.80}; allowed: a text of 1 to {MAX_COMMENT} characters")
    return text
