"""Connections besides realtime, against a WebSocket server on loopback: responses, live sessions, translations, beta."""

import asyncio
import json
import threading

import openai
import pytest
import trailmark_openai
from fake_openai import response
from trailmark.testing import record_trail
from trailmark_openai import track_openai, untrack_openai

serve = pytest.importorskip("websockets.sync.server").serve
pytestmark = [
    pytest.mark.skipif(not hasattr(openai.OpenAI, "live"), reason="this openai has no such connections"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
ASK = {"type": "response.create", "model": "gpt-5", "input": "Say hi"}


def converse(socket):
    """What each event is answered with, by what it asks for."""
    for n, message in enumerate(socket, 1):
        event = json.loads(message)
        for answer in answers(event, f"resp_{n}"):
            socket.send(json.dumps(answer))


def answers(event, id):
    if event["type"] == "session.start":
        nested = {"type": "response.completed", "response": response(id="resp_9", output=[])}
        yield {"type": "session.started", "session": {}}
        yield {"type": "session.output_transcript.delta", "delta": "Hel", "event_id": "e"}
        yield {"type": "session.usage.updated", "usage": {"seconds": 3.5}, "event_id": "e"}
        yield {
            "type": "response.event",
            "event_id": "e",
            "event": {"type": "response.created", "response": {"id": "resp_9"}},
        }
        yield {"type": "response.event", "event_id": "e", "event": nested}
        yield {"type": "session.output_transcript.delta", "delta": "lo", "event_id": "e"}
        yield {"type": "session.usage.updated", "usage": {"seconds": 7.5}, "event_id": "e"}
        yield {"type": "session.closed", "event_id": "e"}
    elif event.get("input") == "refuse":
        yield {"type": "error", "code": "bad", "message": "no such model", "sequence_number": 0}
    elif event["type"] == "response.create" and "input" in event:
        yield {"type": "response.created", "response": response(id=id, status="in_progress", output=[], usage=None)}
        yield {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}
        failed = {"status": "failed", "error": {"code": "server_error", "message": "it broke"}}
        done = response(id=id, **(failed if event["input"] == "fail" else {}))
        yield {"type": "response.failed" if event["input"] == "fail" else "response.completed", "response": done}
    elif event["type"] == "response.create":
        yield {"type": "response.created", "response": {"id": id}}
        yield {"type": "response.done", "response": {"id": id, "status": "completed", "output": [], "usage": None}}


@pytest.fixture
def address():
    with serve(converse, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1"
        server.shutdown()
        thread.join()


def bare(address):
    return openai.OpenAI(base_url=address, websocket_base_url=address.replace("http", "ws"), api_key="none")


@pytest.fixture
def client(address):
    with bare(address) as made:
        yield track_openai(made)


def until(connection, *kinds):
    return next(event for event in connection if event.type in kinds)


@pytest.mark.parametrize("resource", [lambda client: client.responses, lambda client: client.beta.responses])
def test_responses_over_a_connection_are_spans_under_it_as_if_they_were_requests(client, trail, resource):
    with resource(client).connect() as connection:
        connection.send(ASK)
        assert until(connection, "response.completed").response.id == "resp_1"
        connection.send({**ASK, "input": "fail"})
        until(connection, "response.failed")

    assert trail.tree() == (
        "openai.responses.connection (general) ok\n  openai.responses (llm) ok\n  openai.responses (llm) error"
    )
    good, bad = trail.spans[1:]
    assert (good["input"], good["model"]) == ({"input": "Say hi"}, "gpt-5-2025-08-07")
    assert good["output"]["output"][0]["content"][0]["text"] == "Hi"
    assert good["usage"] == {"input": 15, "input_cached": 5, "output": 3, "output_reasoning": 6}
    assert good["start_us"] < good["first_token_us"] < good["end_us"]
    assert bad["error"]["message"] == "server_error: it broke"


def test_a_response_refused_on_a_connection_is_an_error_with_its_request(client, trail):
    with client.responses.connect() as connection:
        connection.send({**ASK, "input": "refuse"})
        until(connection, "error")

    refused = trail.span("openai.responses")
    assert (refused["status"], refused["input"]) == ("error", {"input": "refuse"})
    assert refused["error"]["message"] == "bad: no such model"


def test_async_responses_over_a_connection_are_recorded_alike(address, trail):
    async def talk():
        url = address.replace("http", "ws")
        client = track_openai(openai.AsyncOpenAI(base_url=address, websocket_base_url=url, api_key="none"))
        async with client, client.responses.connect() as connection:
            await connection.send(ASK)
            async for event in connection:
                if event.type == "response.completed":
                    return

    asyncio.run(talk())
    assert trail.tree() == "openai.responses.connection (general) ok\n  openai.responses (llm) ok"


def test_a_live_session_tells_its_transcript_its_seconds_and_the_responses_it_asks_for(client, trail):
    with client.live.connect() as connection:
        connection.send({"type": "session.start", "session": {"model": "gpt-live"}})
        until(connection, "session.closed")

    assert trail.tree() == "openai.live (general) ok\n  openai.live.response (llm) ok"
    session, inner = trail.spans
    assert session["input"] == {"model": "gpt-live"}
    assert session["output"] == {"output_transcript": "Hello"}
    assert session["usage_raw"] == {"seconds": 7.5}
    assert inner["usage"]["input"] == 15


def test_a_connection_of_the_beta_is_recorded_too(client, trail):
    with client.beta.realtime.connect(model="m") as connection:
        connection.response.create()
        until(connection, "response.done")

    assert trail.tree() == "openai.realtime (general) ok\n  openai.realtime.response (llm) ok"


def test_translations_are_connections_of_their_own(client, trail):
    with client.realtime.translations.connect(model="m") as connection:
        connection.send({"type": "session.update", "session": {"audio": {}}})

    assert trail.span("openai.realtime.translations")["input"] == {"audio": {}}


def test_resources_in_use_before_are_watched_and_given_back(address, trail):
    with bare(address) as client:
        before = [client.responses, client.live, client.live.forks, client.beta.responses]
        kinds = [type(each) for each in before]
        track_openai(client)
        with client.responses.connect():
            pass
        assert [client.responses, client.live, client.live.forks, client.beta.responses] == before
        untrack_openai(client)
        with client.responses.connect():
            pass

    assert trail.tree() == "openai.responses.connection (general) ok"
    assert [type(each) for each in before] == kinds


def test_an_instrumented_process_watches_the_connections_of_every_client(address, trail):
    undo = trailmark_openai.instrument()
    with bare(address) as client, client.responses.connect():
        undo()
    with client.responses.connect():
        pass

    assert trail.tree() == "openai.responses.connection (general) ok"


def test_settings_leave_inputs_and_outputs_of_connections_out(client):
    with record_trail(capture_input=False, capture_output=False) as trail, client.live.connect() as connection:
        connection.send({"type": "session.start", "session": {"model": "gpt-live"}})
        until(connection, "session.closed")

    assert [span.keys() & {"input", "output"} for span in trail.spans] == [set(), set()]
