"""The native route: spool records as NDJSON, acknowledged after the commit."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from trailmark_server.api import models
from trailmark_server.api.bodies import read_body
from trailmark_server.api.clients import HEADER, Clients
from trailmark_server.api.observed import Observed
from trailmark_server.api.problems import Problem
from trailmark_server.ingest.records import check
from trailmark_server.store import Store

__all__ = ["router"]

MAX_RECORDS: Final = 50_000
_PART: Final[dict[str, Any]] = {"model": models.Ingested, "description": "Some, or all, were refused"}


def router(store: Store, clients: Clients, observed: Observed) -> APIRouter:
    """`POST /api/v1/ingest`; `clients` hears what those who post say of themselves."""
    routes = APIRouter()

    @routes.post("/api/v1/ingest", response_model=models.Ingested, responses={207: _PART, 400: _PART})
    async def ingest(request: Request) -> JSONResponse:
        clients.heard(request.headers.get(HEADER, ""), request.headers.get("user-agent", ""))
        body = await read_body(request)
        answer = await run_in_threadpool(_ingest, store, clients, body)
        observed.records(answer["accepted"], len(answer["rejected"]))
        status = 200 if not answer["rejected"] else 207 if answer["accepted"] else 400
        return JSONResponse(answer, status_code=status)

    return routes


def _ingest(store: Store, clients: Clients, body: bytes) -> dict[str, Any]:
    if body.count(b"\n") > MAX_RECORDS:
        raise Problem(413, f"the body has more than {MAX_RECORDS} lines; send it in parts")
    lines = [line for line in body.split(b"\n") if line.strip()]
    with store.read() as reader:
        prices = reader.prices()
    good, bad = check(lines, prices)
    if good:
        store.put(good)
        clients.arrived(good)
    return {"accepted": len(good), "rejected": [rejection.shown() for rejection in bad]}
