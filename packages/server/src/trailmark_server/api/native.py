"""The native route: spool records as NDJSON, acknowledged after the commit."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from trailmark_server.api import models
from trailmark_server.api.bodies import read_body
from trailmark_server.api.clients import HEADER, Clients
from trailmark_server.api.problems import Problem
from trailmark_server.ingest.records import check
from trailmark_server.store import Store

__all__ = ["router"]

MAX_RECORDS: Final = 50_000
_PART: Final[dict[str, Any]] = {"model": models.Ingested, "description": "Some, or all, were refused"}


def router(store: Store, clients: Clients) -> APIRouter:
    """`POST /api/v1/ingest`; `clients` hears what those who post say of themselves."""
    routes = APIRouter()

    @routes.post("/api/v1/ingest", response_model=models.Ingested, responses={207: _PART, 400: _PART})
    async def ingest(request: Request) -> JSONResponse:
        clients.heard(request.headers.get(HEADER, ""))
        body = await read_body(request)
        return await run_in_threadpool(_ingest, store, body)

    return routes


def _ingest(store: Store, body: bytes) -> JSONResponse:
    if body.count(b"\n") > MAX_RECORDS:
        raise Problem(413, f"the body has more than {MAX_RECORDS} lines; send it in parts")
    lines = [line for line in body.split(b"\n") if line.strip()]
    with store.read() as reader:
        prices = reader.prices()
    good, bad = check(lines, prices)
    if good:
        store.put(good)
    answer: dict[str, Any] = {"accepted": len(good), "rejected": [rejection.shown() for rejection in bad]}
    return JSONResponse(answer, status_code=200 if not bad else 207 if good else 400)
