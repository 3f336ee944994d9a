"""For those who run the server: is it alive, is it ready, what does it do."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from trailmark_server.api import models
from trailmark_server.api.clients import Clients
from trailmark_server.api.load import Load
from trailmark_server.api.observed import Observed
from trailmark_server.workspaces import Workspaces

__all__ = ["router"]


def router(stores: Workspaces, clients: Clients, observed: Observed, load: Load) -> APIRouter:
    """`/healthz` and `/readyz`, for anyone; `/metrics`, with a key where keys are needed."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/healthz", response_model=models.Health)
    def alive() -> dict[str, str]:
        """The process answers."""
        return {"state": "ok"}

    @routes.get("/readyz", response_model=models.Health, responses={503: {"model": models.Health}})
    def ready() -> JSONResponse:
        """It takes what is recorded; 503 with `full` or `damaged` while it does not."""
        state = _worst(stores)
        return JSONResponse({"state": state}, status_code=200 if state == "ok" else 503)

    @routes.get(
        "/metrics",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def metrics() -> Response:
        """Prometheus' text format: counts, sizes and times, nothing that was recorded."""
        opened = stores.open()
        state = _worst(stores)
        gauges = {
            "trailmark_store_bytes": {f'{{workspace="{n}"}}': float(s.disk_bytes()) for n, s in opened.items()},
            "trailmark_text_index_waiting": {
                f'{{workspace="{n}"}}': float(s.health().unindexed) for n, s in opened.items()
            },
            "trailmark_held_bytes": {"": float(load.bytes)},
            "trailmark_held_bytes_max": {"": float(load.max_bytes)},
            "trailmark_ready": {"": float(state == "ok")},
            "trailmark_clients_dropped": {f'{{reason="{r}"}}': float(n) for r, n in clients.dropped().items()},
        }
        return Response(observed.text(gauges), media_type="text/plain; version=0.0.4")

    return routes


def _worst(stores: Workspaces) -> str:
    states = [store.health().state for store in stores.open().values()]
    return next((state for state in ("damaged", "full") if state in states), "ok")
