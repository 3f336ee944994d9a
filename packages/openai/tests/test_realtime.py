"""Realtime connections against a WebSocket server on loopback that speaks as the service does."""

import asyncio
import gc
import json
import threading
from socket import SHUT_RDWR

import openai
import pytest
import trailmark
import trailmark_openai
from trailmark_openai import track_openai, untrack_openai

websockets = pytest.importorskip("websockets")
realtime = pytest.importorskip("openai.resources.realtime")
serve = pytest.importorskip("websockets.sync.server").serve

USAGE = {
    "total_tokens": 40,
    "input_tokens": 30,
    "output_tokens": 10,
    "input_token_details": {"text_tokens": 10, "audio_tokens": 15, "cached_tokens": 5},
    "output_token_details": {"text_tokens": 4, "audio_tokens": 6},
}
ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


def responses(socket):
    """Each `response.create` is answered; its instructions say how it goes."""
    n = 0
    for message in socket:
        event = json.loads(message)
        if event["type"] != "response.create":
            continue
        n += 1
        how = (event.get("response") or {}).get("instructions")
        socket.send(json.dumps({"type": "response.created", "response": {"id": f"resp_{n}"}}))
        if how == "drop":
            socket.socket.shutdown(SHUT_RDWR)
            return
        if how == "wait":
            continue
        socket.send(
            json.dumps({"type": "response.output_audio.delta", "response_id": f"resp_{n}", "delta": "AAAA" * 9000})
        )
        status = "failed" if how == "fail" else "completed"
        details = {"error": {"code": "rate_limit", "message": "slow down"}} if how == "fail" else None
        said = [
            {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": f"answer {n}"}]}
        ]
        done = {"id": f"resp_{n}", "status": status, "status_details": details, "output": said, "usage": USAGE}
        socket.send(json.dumps({"type": "response.done", "response": done}))


@pytest.fixture
def address():
    with serve(responses, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1"
        server.shutdown()
        thread.join()


@pytest.fixture
def client(address):
    with openai.OpenAI(base_url=address, api_key="none") as made:
        yield track_openai(made)


def answer(connection, instructions=None):
    connection.response.create(response={"instructions": instructions} if instructions else {})
    return next(event for event in connection if event.type == "response.done")


def test_two_responses_of_one_connection_are_two_spans_under_it(client, trail):
    @trailmark.track
    def talk():
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
            connection.conversation.item.create(item=ITEM)
            connection.input_audio_buffer.append(audio="AAAA" * 1000)
            answer(connection)
            return answer(connection).response.output[0].content[0].transcript

    assert talk() == "answer 2"
    assert trail.tree() == (
        "talk (general) ok\n  openai.realtime (general) ok\n"
        "    openai.realtime.response (llm) ok\n    openai.realtime.response (llm) ok"
    )
    connection, first, second = trail.spans[1:]
    assert (connection["model"], connection["input"]["instructions"]) == ("gpt-realtime", "Be brief.")
    assert first["usage"] == {"input": 10, "input_cached": 5, "input_audio": 15, "output": 4, "output_audio": 6}
    assert first["input"]["items"] == [ITEM]
    assert 3000 <= first["input"]["audio_bytes"] < 3200
    assert "items" not in second["input"]
    assert second["output"][0]["content"][0]["transcript"] == "answer 2"
    assert first["start_us"] < first["first_token_us"] < first["end_us"]
    assert not any(b"AAAAAAAA" in record for record in trail.raw)


def test_a_failed_response_is_an_error_and_the_connection_goes_on(client, trail):
    with client.realtime.connect(model="m") as connection:
        assert answer(connection, "fail").response.status == "failed"
        answer(connection)
    assert [span["status"] for span in trail.spans] == ["ok", "error", "ok"]
    assert "rate_limit: slow down" in trail.spans[1]["error"]["message"]


def test_a_lost_connection_is_an_error_and_what_was_open_is_cancelled(client, trail):
    with client.realtime.connect(model="m") as connection:
        connection.response.create(response={"instructions": "drop"})
        with pytest.raises(websockets.exceptions.ConnectionClosedError):
            for _ in range(3):
                connection.recv()
    assert [span["status"] for span in trail.spans] == ["error", "cancelled"]


def test_a_connection_nobody_closes_ends_when_it_is_collected(client, trail):
    connection = client.realtime.connect(model="m").enter()
    connection.response.create(response={"instructions": "wait"})
    assert connection.recv().type == "response.created"
    socket = connection._connection
    del connection
    websockets.sync.connection.Connection.close(socket)  # past our close: only the collector is left to tell
    del socket
    gc.collect()
    assert [span["status"] for span in trail.spans] == ["cancelled", "cancelled"]


def test_nobody_listening_is_an_error_of_the_connection(trail):
    client = track_openai(openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="none"))
    with client, pytest.raises(OSError, match="refused"):
        client.realtime.connect(model="m").enter()
    assert trail.tree() == "openai.realtime (general) error"


async def _until_done(connection):
    async for event in connection:
        yield event
        if event.type == "response.done":
            return


def test_async_connections_are_recorded_alike(address, trail):
    async def talk():
        client = track_openai(openai.AsyncOpenAI(base_url=address, api_key="none"))
        async with client, client.realtime.connect(model="m") as connection:
            await connection.response.create()
            return [event async for event in _until_done(connection)][-1].response.output[0].content[0].transcript

    assert asyncio.run(talk()) == "answer 1"
    assert trail.tree() == "openai.realtime (general) ok\n  openai.realtime.response (llm) ok"


def test_the_client_keeps_its_resource_and_its_socket_its_type(client, address, trail):
    with openai.OpenAI(base_url=address, api_key="none") as bare, bare.realtime.connect(model="m") as connection:
        socket = type(connection._connection)
    assert client.realtime is client.realtime
    assert isinstance(client.realtime, realtime.Realtime)
    with client.realtime.connect(model="m") as connection:
        assert isinstance(connection._connection, socket)
    assert len(trail.spans) == 1


def test_an_instrumented_process_records_every_connection_once_and_an_untracked_client_none(client, address, trail):
    undo = trailmark_openai.instrument()
    try:
        with openai.OpenAI(base_url=address, api_key="none") as bare, bare.realtime.connect(model="m") as connection:
            answer(connection)
        with client.realtime.connect(model="m"):
            pass
    finally:
        undo()
    assert trail.tree() == (
        "openai.realtime (general) ok\n  openai.realtime.response (llm) ok\nopenai.realtime (general) ok"
    )
    trail.raw.clear()
    with untrack_openai(client).realtime.connect(model="m"):
        pass
    assert trail.spans == []
