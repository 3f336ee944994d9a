"""The tour: what trailmark records, one point after the other. Run it: python examples/tour.py"""

import stand_in
import trailmark
from openai import OpenAI
from trailmark_openai import track_openai

stand_in.use()
client = track_openai(OpenAI())  # 1 integration: call, tokens, model, cost are logged
client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello, world!"}])


@trailmark.track  # 2 decorators nest: one trace, four spans
def retrieve_context(input_text):
    return ["What are you looking for?", "How can I assist you today?"]


@trailmark.track
def generate_response(input_text, context):
    question = [{"role": "user", "content": f"{context} {input_text}"}]
    return client.chat.completions.create(model="gpt-4o-mini", messages=question).choices[0].message.content


@trailmark.track(name="my_llm_application")
def llm_chain(input_text):
    answer = generate_response(input_text, retrieve_context(input_text))
    # 3 scoring: numbers and labels
    trailmark.context.update_current_trace({"scores": {"translation_quality": 0.95, "sentiment": 1}})
    verdict = {"name": "verdict", "label": "good", "reason": "cited"}
    trailmark.context.update_current_trace(tags=["llm_chatbot"], feedback_scores=[verdict])
    trailmark.context.update_current_span(name="llm_chain", metadata={"k": 2})  # 4 additional data
    return answer


@trailmark.track(project_name="my_project")  # 5 project: here, or TRAILMARK_PROJECT_NAME / OPIK_PROJECT_NAME
def other_project(x):
    return x


@trailmark.track(flush=True)  # 6 returns when the trace is acknowledged
def my_short_running_task():
    return "Done"


@trailmark.track(capture_input=False, capture_output=False)  # 7 no input, no output recorded
def private(text):
    return text


llm_chain("Hello, how are you?")
other_project(1)
my_short_running_task()
private("a secret")
# 8 TRAILMARK_TRACK_DISABLE=true (or OPIK_TRACK_DISABLE=true): nothing is recorded, the program runs the same

low = trailmark.Client(project_name="Client demo")  # 9 the low-level client
t = low.trace(name="my_trace", input={"user_question": "Hello, how are you?"}, output={"response": "Comment ça va?"})
t.span(name="Add prompt template", input={"text": "Hello"}, output={"text": "Translate to French: hello"})
t.span(name="llm_call", type="llm", input={"prompt": "…"}, output={"response": "Comment ça va?"})
t.end()
