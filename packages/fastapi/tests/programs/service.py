"""A service for the tests of processes: calls the next service, if it is told of one."""

import asyncio
import os

import httpx2
import trailmark
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from trailmark_fastapi import TrailmarkMiddleware

app = FastAPI()
app.add_middleware(TrailmarkMiddleware)


@trailmark.track
def work(n):
    return n


@app.get("/front/{n}")
def front(n: int):
    with httpx2.Client(base_url=os.environ["NEXT"]) as client:
        return client.get(f"/back/{n}", headers=trailmark.context.distributed_headers()).json()


@app.get("/back/{n}")
async def back(n: int):
    return [work(n), os.getpid()]


@app.get("/endless/{n}")
async def endless(n: int):
    async def pieces():
        with trailmark.span("talking"):
            yield f"{os.getpid()}\n"
            await asyncio.Event().wait()

    return StreamingResponse(pieces())
