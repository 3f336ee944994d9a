"""A chat endpoint that streams a model: one trace a request holds all of it. Run it: python examples/web_chat.py"""

import threading

import httpx2
import stand_in
import trailmark
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI
from trailmark_fastapi import TrailmarkMiddleware
from trailmark_openai import track_openai

stand_in.use()
client = track_openai(AsyncOpenAI())
app = FastAPI()
app.add_middleware(TrailmarkMiddleware, thread_id=lambda request: request.query_params.get("chat"))


@trailmark.track(type="retriever")
def look_up(question):
    return ["Tea is a drink."]


@app.get("/chat")
async def chat(question: str):
    async def words():
        messages = [{"role": "user", "content": f"{look_up(question)} {question}"}]
        async for chunk in await client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True):
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""

    return StreamingResponse(words(), media_type="text/plain")


server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    thread.join(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
answer = httpx2.get(f"http://127.0.0.1:{port}/chat", params={"question": "What is tea?", "chat": "chat-7"})
print(answer.text)
print("its trace:", answer.headers["x-trace-id"])
server.should_exit = True
thread.join()
