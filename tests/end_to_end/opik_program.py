"""What people do with Opik's own SDK, run by `test_opik_sdk.py` against our server; prints what it read back as JSON."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

server, openai_url, batching = sys.argv[1], sys.argv[2], sys.argv[3] == "batching"
PROJECT = f"opik sdk {batching}"
os.environ |= {
    "OPIK_URL_OVERRIDE": f"{server}/api",
    "OPIK_PROJECT_NAME": PROJECT,
    "OPIK_SENTRY_ENABLE": "false",
    "OPIK_ANALYTICS_ENABLE": "false",
    "OPIK_CONSOLE_LOGGING_LEVEL": "CRITICAL",
}

import opik  # noqa: E402
from openai import OpenAI  # noqa: E402
from opik import Attachment, opik_context  # noqa: E402
from opik.integrations.openai import track_openai  # noqa: E402

model = track_openai(OpenAI(base_url=openai_url, api_key="sk-test"), project_name=PROJECT)


@opik.track(type="tool")
def boom():
    raise ValueError("no")


@opik.track
def ask(question):
    stream = model.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": question}], stream=True
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@opik.track(name="decorated")
def decorated(question):
    opik_context.update_current_trace(thread_id="th-1", tags=["shop"])
    opik_context.update_current_trace(feedback_scores=[{"name": "quality", "value": 0.5, "reason": "cited"}])
    with contextlib.suppress(ValueError):
        boom()
    return ask(question)


@opik.track(type="tool")
async def step(number):
    await asyncio.sleep(0.01)
    opik_context.update_current_span(metadata={"number": number})
    return number * 2


@opik.track(name="steps")
async def steps():
    return sum(await asyncio.gather(*(step(number) for number in range(3))))


def until(look, seconds=20):
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


answer = decorated("Hi")
asyncio.run(steps())
opik.flush_tracker()
client = opik.Opik(project_name=PROJECT, batching=batching)
notes = Path(tempfile.mkdtemp()) / "notes.txt"
notes.write_text("Notes", encoding="utf-8")
trace = client.trace(name="manual", input={"q": 1}, tags=["m"], attachments=[Attachment(data=str(notes))])
span = trace.span(name="call", type="llm", input={"m": 1}, model="gpt-4o-mini", provider="openai")
usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
span.end(output={"o": 2}, usage=usage)
trace.end(output={"a": 2})
client.flush()
client.update_trace(trace.id, project_name=PROJECT, metadata={"checked": True}, tags=["m", "late"])
client.log_traces_feedback_scores([{"id": trace.id, "name": "judge", "value": 0.9}])
client.log_spans_feedback_scores([{"id": span.id, "name": "kind", "value": 0.1, "category_name": "bad"}])
client.get_threads_client().log_threads_feedback_scores(
    [{"id": "th-1", "name": "tone", "value": 0.3}], project_name=PROJECT
)
client.flush()
until(lambda: client.get_trace_content(trace.id).feedback_scores and client.get_trace_content(trace.id).metadata)
files = client.get_attachment_client()
whose = {"project_name": PROJECT, "entity_type": "trace", "entity_id": trace.id}
until(lambda: files.get_attachment_list(**whose))
stored, call = client.get_trace_content(trace.id), client.get_span_content(span.id)
[found] = client.search_traces(project_name=PROJECT, filter_string='name = "decorated"')
[gathered] = client.search_traces(project_name=PROJECT, filter_string='name = "steps"')
below = client.search_spans(project_name=PROJECT, trace_id=gathered.id)
[top] = [one for one in below if one.parent_span_id is None]
told = {
    "answer": answer,
    "gathered": [gathered.output, sorted(one.metadata["number"] for one in below if one.parent_span_id == top.id)],
    "updated": [stored.metadata, client.get_project(gathered.project_id).name],
    "trace": [stored.name, stored.input, stored.output, stored.tags, stored.end_time is not None],
    "scores": [[score.name, score.value] for score in stored.feedback_scores],
    "span": [call.type, call.model, call.output, call.usage["total_tokens"], call.feedback_scores[0].category_name],
    "decorated": [found.thread_id, found.tags, found.output, found.feedback_scores[0].reason],
    "spans": sorted(
        [one.name, one.type, one.error_info.exception_type if one.error_info else None]
        for one in client.search_spans(project_name=PROJECT, trace_id=found.id)
    ),
    "tokens": found.usage,
    "filtered": [
        [one.name for one in client.search_traces(project_name=PROJECT, filter_string=asked)]
        for asked in ('tags contains "shop"', "feedback_scores.judge > 0.8", "usage.total_tokens < 6")
    ],
    "threads": [[one.id, one.number_of_messages] for one in client.get_threads_client().search_threads(PROJECT)],
    "file": b"".join(files.download_attachment(**whose, file_name="notes.txt", mime_type="text/plain")).decode(),
    "auth": client.auth_check(),
}
client.delete_trace_feedback_score(trace.id, "judge")
told["left"] = [score.name for score in client.get_trace_content(trace.id).feedback_scores]
client.rest_client.traces.delete_traces(ids=[gathered.id])
told["deleted"] = client.search_traces(project_name=PROJECT, filter_string='name = "steps"')
check = {"name": "PII", "result": "failed", "config": {"entities": ["EMAIL"]}, "details": {}}
client.rest_client.guardrails.create_guardrails(guardrails=[{"entity_id": trace.id, "secondary_id": span.id, **check}])
guarded = [one for one in client.get_span_content(span.id).feedback_scores if one.name == "guardrail.pii"]
told["guardrail"] = [[one.value, one.category_name] for one in guarded]
rest, call_id = client.rest_client, span.id
rest.traces.add_trace_comment(trace.id, text="odd")
rest.spans.add_span_comment(call_id, text="slow")
rest.traces.add_thread_comment(client.get_threads_client().search_threads(PROJECT)[0].thread_model_id, text="long")
[odd] = client.get_trace_content(trace.id).comments
rest.traces.update_trace_comment(odd.id, text="odd, but right")
[slow] = rest.spans.get_span_by_id(call_id).comments
told["comments"] = [
    rest.traces.get_trace_comment(trace.id, odd.id).text,
    rest.spans.get_span_comment(call_id, slow.id).text,
    [one.text for one in client.get_threads_client().search_threads(PROJECT)[0].comments],
]
rest.traces.delete_trace_comments(ids=[odd.id])
rest.spans.delete_span_comments(ids=[slow.id])
told["comments left"] = [client.get_trace_content(trace.id).comments, client.get_span_content(call_id).comments]
[checked] = client.get_trace_content(trace.id).guardrails_validations
told["validations"] = [checked.span_id == call_id, checked.checks[0].name, checked.checks[0].result]
place = f"qa {batching}"
client.create_environment(place, description="before staging")
with contextlib.suppress(opik.exceptions.EnvironmentAlreadyExists):
    client.create_environment(place)
    told["twice"] = True
updated = client.update_environment(place, color="#00ff00")
told["environment"] = [updated.name, updated.description, updated.color]
client.delete_environment(place)
told["environments"] = [one.name for one in client.get_environments() if one.name == place]
client.end()
print(json.dumps(told), flush=True)
