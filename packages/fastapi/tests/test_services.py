"""The middleware beside the other integrations: one trace from a client through a service to the model it asks."""

import asyncio
import threading

import httpx2
import pytest
import trailmark
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from trailmark_fastapi import TrailmarkMiddleware

SAID = (
    'data: {{"id":"1","object":"chat.completion.chunk","created":1,"model":"m",'
    '"choices":[{{"index":0,"delta":{{"content":"word{n} "}},"finish_reason":null}}]}}\n\n'
)


def service():
    app = FastAPI()
    app.add_middleware(TrailmarkMiddleware)

    @app.get("/items/{id}")
    async def item(id: int):
        with trailmark.span("work"):
            return id

    return app


@pytest.fixture
def model():
    """A model that talks until it is told to stop; nothing of it is traced."""
    app, leave = FastAPI(), threading.Event()

    @app.post("/v1/chat/completions")
    async def talk():
        async def words():
            for n in range(100_000):
                if leave.is_set():
                    return
                yield SAID.format(n=n)
                await asyncio.sleep(0.005)

        return StreamingResponse(words(), media_type="text/event-stream")

    yield app
    leave.set()


def test_a_client_in_the_same_process_is_the_parent_by_its_headers(trail):
    track_httpx = pytest.importorskip("trailmark_httpx").track_httpx

    async def ask():
        transport = httpx2.ASGITransport(app=service())
        async with track_httpx(httpx2.AsyncClient(transport=transport, base_url="http://inside")) as client:
            return await client.get("/items/1")

    with trailmark.span("caller"):
        assert asyncio.run(ask()).json() == 1
        assert track_httpx(TestClient(service())).get("/items/2").json() == 2
    step = "\n    GET /items/{id} (general) ok\n      work (general) ok"
    assert trail.tree() == f"caller (general) ok\n  GET inside (general) ok{step}\n  GET testserver (general) ok{step}"


def test_one_trace_goes_through_two_services(serve, trail):
    track_httpx = pytest.importorskip("trailmark_httpx").track_httpx
    front = FastAPI()
    front.add_middleware(TrailmarkMiddleware)
    with serve(service()) as url:

        @front.get("/orders/{id}")
        async def order(id: int):
            async with track_httpx(httpx2.AsyncClient(base_url=url)) as client:
                answer = await client.get(f"/items/{id}", extensions={"path_template": "/items/{id}"})
                return answer.json()

        with serve(front) as front_url:
            assert httpx2.get(f"{front_url}/orders/7").json() == 7
    host = url.removeprefix("http://")
    assert trail.tree() == (
        "GET /orders/{id} (general) ok\n"
        f"  GET {host}/items/{{id}} (general) ok\n"
        "    GET /items/{id} (general) ok\n"
        "      work (general) ok"
    )
    assert len({span["trace_id"] for span in trail.spans}) == 1


@pytest.mark.parametrize("everything", [True, False])
def test_a_client_that_leaves_a_streamed_chat_cancels_it_down_to_the_model(serve, trail, model, everything):
    openai = pytest.importorskip("openai")
    track_openai = pytest.importorskip("trailmark_openai").track_openai
    instrument = pytest.importorskip("trailmark_httpx").instrument
    app = FastAPI()
    app.add_middleware(TrailmarkMiddleware)

    with serve(model) as model_url:

        @app.get("/chat")
        async def chat():
            async def words():
                async with track_openai(openai.AsyncOpenAI(base_url=f"{model_url}/v1", api_key="none")) as client:
                    asked = {"model": "m", "messages": [{"role": "user", "content": "Talk"}], "stream": True}
                    async for chunk in await client.chat.completions.create(**asked):
                        yield chunk.choices[0].delta.content

            return StreamingResponse(words())

        undo = instrument() if everything else lambda: None
        try:
            with serve(app) as url:
                with httpx2.stream("GET", f"{url}/chat") as answer:
                    heard = b""
                    for piece in answer.iter_raw():
                        heard += piece
                        if b"word2" in heard:
                            break
                _wait_for(
                    lambda: [span["status"] for span in trail.spans if span["name"] == "GET /chat"] == ["cancelled"]
                )
        finally:
            undo()
    chat_span, llm = trail.span("GET /chat"), trail.span("openai.chat")
    assert (llm["parent_id"], llm["status"]) == (chat_span["id"], "cancelled")
    assert llm["output"]["choices"][0]["message"]["content"].startswith("word0 word1 word2")
    own = [span for span in trail.spans if span["name"].startswith(("GET 127", "POST"))]
    assert len(own) == (1 if everything else 0)  # the test's request; the model's is the model call's


def _wait_for(look):
    gate = threading.Event()
    assert any(look() or gate.wait(0.01) for _ in range(1000))
