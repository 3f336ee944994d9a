"""An endpoint that streams a chain: one trace a request holds all of it. Run it: python examples/langchain_web.py"""

import threading

import httpx2
import stand_in
import trailmark
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from trailmark_fastapi import TrailmarkMiddleware
from trailmark_langchain import TrailmarkTracer

stand_in.use()
app = FastAPI()
app.add_middleware(TrailmarkMiddleware, thread_id=lambda request: request.query_params.get("chat"))
prompt = ChatPromptTemplate.from_messages([("system", "Use this: {facts}"), ("human", "{question}")])
chain = prompt | ChatOpenAI(model="gpt-4o-mini", stream_usage=True) | StrOutputParser()
tracer = TrailmarkTracer()  # one for all requests


@trailmark.track(type="retriever")
def look_up(question):
    return f"All there is about: {question}"


@app.get("/chat")
async def chat(question: str):
    asked = {"facts": look_up(question), "question": question}
    return StreamingResponse(chain.astream(asked, {"callbacks": [tracer]}), media_type="text/plain")


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
