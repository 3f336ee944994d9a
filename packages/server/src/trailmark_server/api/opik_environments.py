"""Opik's routes about environments: a name, a description and a color each, which people keep in order."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from trailmark_server.api.bodies import read_json
from trailmark_server.api.opik import PRIVATE
from trailmark_server.api.problems import Problem
from trailmark_server.store import ExistsError, NotFoundError, Store, Writer

__all__ = ["router"]

KIND: Final = "environment"
MOST: Final = 100  # as many as Opik lists
_TEXTS: Final = {"name": 150, "description": 500, "color": 32}


def router(store: Store) -> APIRouter:
    """`/environments…`."""
    routes = APIRouter(prefix=f"{PRIVATE}/environments")

    @routes.get("")
    def find() -> Response:
        content = _all(store)
        return JSONResponse({"page": 1, "size": len(content), "total": len(content), "content": content})

    @routes.post("", status_code=201)
    async def create(request: Request) -> Response:
        body = await read_json(request)
        given = {"position": 0, **_checked(body), "created_us": time.time_ns() // 1000}
        if "name" not in given:
            raise Problem(400, "name: it is required")
        id = _id(body["id"]) if body.get("id") is not None else str(uuid4())
        await run_in_threadpool(_create, store, id, given)
        return Response(status_code=201)

    @routes.post("/delete", status_code=204)
    async def delete(request: Request) -> Response:
        ids = (await read_json(request)).get("ids")
        if not isinstance(ids, list):
            raise Problem(400, f"ids is {type(ids).__name__}; allowed: a list of UUIDs")
        await run_in_threadpool(_delete, store, {_id(one) for one in ids})
        return Response(status_code=204)

    @routes.get("/{id}")
    def get(id: str) -> Response:
        return JSONResponse(_one(store, _id(id)))

    @routes.patch("/{id}", status_code=204)
    async def update(id: str, request: Request) -> Response:
        await run_in_threadpool(_update, store, _id(id), _checked(await read_json(request)))
        return Response(status_code=204)

    return routes


def _all(store: Store) -> list[dict[str, Any]]:
    with store.read() as reader:
        found = reader.documents(KIND)
    return [_view(one["id"], one) for one in sorted(found, key=lambda one: (one["position"], one["name"]))]


def _one(store: Store, id: str) -> dict[str, Any]:
    with store.read() as reader:
        found = reader.document(KIND, id)
    if found is None:
        raise NotFoundError(f"no environment {id}")
    return _view(id, found)


def _create(store: Store, id: str, given: dict[str, Any]) -> None:
    with store.read() as reader:
        known = reader.documents(KIND)
    if any(one["name"] == given["name"] for one in known):
        raise ExistsError(f"an environment {given['name']!r} is there already")
    if len(known) >= MOST:
        raise Problem(400, f"there are {len(known)} environments; allowed: {MOST}")
    store.write(lambda writer: writer.put_document(KIND, id, given))


def _update(store: Store, id: str, given: dict[str, Any]) -> None:
    with store.read() as reader:
        found = reader.document(KIND, id)
        others = [one for one in reader.documents(KIND) if one["id"] != id]
    if found is None:
        raise NotFoundError(f"no environment {id}")
    if any(one["name"] == given.get("name") for one in others):
        raise ExistsError(f"an environment {given['name']!r} is there already")
    store.write(lambda writer: writer.put_document(KIND, id, {**found, **given}))


def _delete(store: Store, ids: set[str]) -> None:
    def job(writer: Writer) -> None:
        for id in ids & known:
            writer.drop_document(KIND, id)

    with store.read() as reader:
        known = {one["id"] for one in reader.documents(KIND)}
    store.write(job)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """The fields that are given. Problem 400 names what is wrong."""
    for name, most in _TEXTS.items():
        value = body.get(name)
        if value is not None and (not isinstance(value, str) or not value.strip() or len(value) > most):
            raise Problem(400, f"{name}: it is {value!r:.80}; allowed: a text of 1 to {most} characters")
    position = body.get("position")
    if position is not None and (not isinstance(position, int) or not 0 <= position < 2**31):
        raise Problem(400, f"position: it is {position!r:.80}; allowed: 0 to {2**31 - 1}")
    return {name: body[name] for name in (*_TEXTS, "position") if body.get(name) is not None}


def _id(given: Any) -> str:
    try:
        return str(UUID(given))
    except (ValueError, AttributeError, TypeError):
        raise Problem(400, f"id: it is {given!r:.80}; allowed: a UUID") from None


def _view(id: str, found: dict[str, Any]) -> dict[str, Any]:
    made = datetime.fromtimestamp(found["created_us"] / 1e6, UTC).isoformat()
    return {"id": id, **{name: found.get(name) for name in (*_TEXTS, "position")}, "created_at": made}
