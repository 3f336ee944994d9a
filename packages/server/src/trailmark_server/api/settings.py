"""What people set: saved views, settings, and what a retention would delete."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response

from trailmark_server.api import models
from trailmark_server.api.answers import answer
from trailmark_server.api.problems import Problem
from trailmark_server.pricing import Price
from trailmark_server.store import Store

__all__ = ["router"]

_DAY_US: Final = 86_400_000_000


def router(store: Store) -> APIRouter:
    """`/api/v1/views`, `/settings`, `/prices`, `/projects/{project}/retention`."""
    routes = APIRouter(prefix="/api/v1", tags=["settings"])

    @routes.get("/views", response_model=list[models.SavedView])
    def views(request: Request, project: str | None = None) -> Response:
        """All, or those of a project and of none."""
        with store.read() as reader:
            found = reader.documents("view")
        shown = [view for view in found if project is None or view["project"] in (None, project)]
        return answer(request, sorted(shown, key=lambda view: view["name"].lower()))

    @routes.post("/views", response_model=models.SavedView, status_code=201)
    def save(view: models.View) -> dict[str, Any]:
        return _put(store, str(uuid4()), view)

    @routes.put("/views/{id}", response_model=models.SavedView)
    def replace(id: UUID, view: models.View) -> dict[str, Any]:
        """Made when it is not there."""
        return _put(store, str(id), view)

    @routes.delete("/views/{id}", status_code=204)
    def forget(id: str) -> Response:
        store.write(lambda writer: writer.drop_document("view", id))
        return Response(status_code=204)

    @routes.get("/settings", response_model=models.Settings)
    def settings(request: Request) -> Response:
        with store.read() as reader:
            found = reader.document("settings", "") or {}
        return answer(request, models.Settings(**found).model_dump())

    @routes.put("/settings", response_model=models.Settings)
    def change(given: models.Settings) -> models.Settings:
        store.write(lambda writer: writer.put_document("settings", "", given.model_dump()))
        return given

    @routes.get("/projects/{project:path}/retention", response_model=models.Retention)
    def retention(request: Request, project: str, days: Annotated[int, Query(ge=1, le=36500)]) -> Response:
        before = time.time_ns() // 1000 - days * _DAY_US
        with store.read() as reader:
            return answer(request, {"days": days, **reader.older_than(project, before)})

    _add_prices(routes, store)
    return routes


def _add_prices(routes: APIRouter, store: Store) -> None:
    @routes.get("/prices", response_model=list[models.Price])
    def prices(request: Request) -> Response:
        """The user's own, which stand before those of genai-prices."""
        with store.read() as reader:
            return answer(request, [_price(one) for one in reader.prices()])

    @routes.put("/prices", response_model=models.Price)
    def set_price(given: models.Price) -> models.Price:
        """For what comes; `trailmark reprice` for what is there."""
        price = Price(given.model, given.provider, {str(part): usd for part, usd in given.parts.items()})
        store.write(lambda writer: writer.set_price(price))
        return given

    @routes.delete("/prices", status_code=204)
    def drop_price(model: str, provider: str = "") -> Response:
        if not store.write(lambda writer: writer.drop_price(model, provider)):
            raise Problem(404, f"no price of {model!r}" + (f" at {provider!r}" if provider else ""))
        return Response(status_code=204)


def _price(price: Price) -> dict[str, Any]:
    return {"model": price.model, "provider": price.provider, "parts": dict(price.parts or {})}


def _put(store: Store, id: str, view: models.View) -> dict[str, Any]:
    if len(view.params) > 50:
        raise Problem(400, f"params has {len(view.params)} entries; allowed: up to 50")
    store.write(lambda writer: writer.put_document("view", id, view.model_dump()))
    return {"id": id, **view.model_dump()}
