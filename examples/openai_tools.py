"""A streamed answer that calls a tool: words as they come, both model calls and the tool in one trace.

Run it: python examples/openai_tools.py
"""

import json

import stand_in
import trailmark
from openai import OpenAI
from trailmark_openai import track_openai

stand_in.use()
client = track_openai(OpenAI())
PLACE = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": PLACE, "strict": True}}


@trailmark.track(type="tool")
def weather(city):
    return {"city": city, "degrees": 21}


@trailmark.track(type="agent")
def answer(question):
    messages = [{"role": "user", "content": question}]
    while True:
        with client.chat.completions.stream(model="gpt-4o-mini", messages=messages, tools=[WEATHER]) as events:
            for event in events:
                if event.type == "content.delta":
                    print(event.delta, end="", flush=True)
            message = events.get_final_completion().choices[0].message
        if not message.tool_calls:
            print()
            return message.content
        messages.append({"role": "assistant", "tool_calls": [call.to_dict() for call in message.tool_calls]})
        for call in message.tool_calls:
            result = weather(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})


answer("What is the weather in Paris?")
