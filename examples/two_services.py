"""Two services and one trace: httpx hands it on, the middleware takes it up. Run it: python examples/two_services.py"""

import threading
from contextlib import contextmanager

import httpx2
import trailmark
import uvicorn
from fastapi import FastAPI, Request
from trailmark_fastapi import TrailmarkMiddleware
from trailmark_httpx import track_httpx

stock = FastAPI()
stock.add_middleware(TrailmarkMiddleware)


@trailmark.track(type="retriever")
def count(item):
    return len(item) * 7


@stock.get("/items/{item}")
def in_stock(item: str, request: Request):
    return {"left": count(item), "trace": request.state.trace_id}


shop = FastAPI()
shop.add_middleware(TrailmarkMiddleware)
client = track_httpx(httpx2.AsyncClient())  # tells services of your own network, and nobody else: see its README


@shop.get("/orders/{item}")
async def order(item: str, request: Request):
    path = {"path_template": "/items/{item}"}
    answer = await client.get(f"{request.query_params['stock']}/items/{item}", extensions=path)
    return {**answer.json(), "shop_trace": request.state.trace_id}


@contextmanager
def serving(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


with serving(stock) as stock_url, serving(shop) as shop_url:
    told = httpx2.get(f"{shop_url}/orders/tea", params={"stock": stock_url}).json()
print(f"{told['left']} left; shop's trace: {told['shop_trace']}, stock's: {told['trace']}")
