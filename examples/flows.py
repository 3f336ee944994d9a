"""Async functions, generators, streams and errors are recorded as they are. Run it: python examples/flows.py"""

import asyncio

import stand_in
import trailmark
from openai import OpenAI
from trailmark_openai import track_openai

stand_in.use()
client = track_openai(OpenAI())


@trailmark.track
async def count_slowly(n):  # generators: the items are the output; chunks reach the caller as they come
    for i in range(n):
        await asyncio.sleep(0.01)
        yield i


@trailmark.track
async def add_up(n):
    return sum([i async for i in count_slowly(n)])


@trailmark.track
def stream_answer(question):
    messages = [{"role": "user", "content": question}]
    for chunk in client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True):
        yield (chunk.choices[0].delta.content or "") if chunk.choices else ""


@trailmark.track
def divide(a, b):
    return a / b


asyncio.run(add_up(3))
print("".join(stream_answer("Tell me a story.")))
try:
    divide(1, 0)  # an exception is recorded and re-raised untouched
except ZeroDivisionError as error:
    print("as expected:", error)
