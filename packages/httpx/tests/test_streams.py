"""A span lasts as long as its answer is read: to the end, not to the end, by whom it may be."""

import gc
import threading

import httpx2
import pytest
import trailmark
from trailmark_httpx import track_httpx


def traceparent_of(span):
    return f"00-{span['trace_id'].replace('-', '')}-{span['id'].replace('-', '')[16:]}-01"


def test_a_stream_ends_its_span_with_its_last_byte(caller, trail):
    open_spans = []

    def look(_count):
        open_spans.append(trail.spans[0]["status"])

    assert caller.read(track_httpx(caller.client()), "/pieces/3", look) >= 1
    [span] = trail.spans
    assert open_spans[0] == "running"
    assert (span["status"], span["output"]["bytes"]) == ("ok", 27)
    assert span["output"]["content_type"] == "text/event-stream"


def test_a_stream_left_early_is_cancelled_and_what_came_is_counted(caller, trail):
    caller.read(track_httpx(caller.client()), "/endless", lambda count: count == 2)
    [span] = trail.spans
    assert span["status"] == "cancelled"
    assert span["output"]["bytes"] > 0


def test_a_stream_that_breaks_is_an_error(caller, library, trail):
    with pytest.raises(library.RemoteProtocolError):
        caller.read(track_httpx(caller.client()), "/broken", lambda _count: False)
    [span] = trail.spans
    assert (span["status"], span["output"]["status"], span["output"]["bytes"]) == ("error", 200, 4)
    assert span["error"]["type"] == f"{library.__name__}.RemoteProtocolError"


def test_an_answer_without_a_body_is_whole_when_it_is_closed_unread(caller, trail):
    client = track_httpx(caller.client())
    if caller.is_async:

        async def act(client):
            async with client.stream("HEAD", "/hello"):
                pass

    else:

        def act(client):
            with client.stream("HEAD", "/hello"):
                pass

    caller.do(client, act)
    assert [span["status"] for span in trail.spans] == ["ok"]


def test_a_stream_may_be_read_in_another_thread_and_belongs_to_its_caller(library, service, trail):
    with track_httpx(library.Client(base_url=service.url)) as client, trailmark.span("outer"):
        response = client.send(client.build_request("GET", "/pieces/3"), stream=True)
        thread = threading.Thread(target=response.read)
        thread.start()
        thread.join()
    assert response.text.startswith("data: 0")
    assert [span["status"] for span in trail.spans] == ["ok", "ok"]
    assert trail.spans[1]["parent_id"] == trail.spans[0]["id"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_stream_that_is_forgotten_ends_its_span(library, service, trail):
    with track_httpx(library.Client(base_url=service.url)) as client:
        response = client.send(client.build_request("GET", "/endless"), stream=True)
        assert trail.spans[0]["status"] == "running"
        del response
        gc.collect()
        assert trail.spans[0]["status"] == "cancelled"


def test_what_is_tracked_while_it_is_sent_is_inside_and_what_reads_it_is_beside(caller, library, trail):
    def hook(_request):
        with trailmark.span("hook"):
            pass

    async def async_hook(request):
        hook(request)

    def look(_count):
        with trailmark.span("reader"):
            pass
        return True

    client = track_httpx(caller.client(event_hooks={"request": [async_hook if caller.is_async else hook]}))
    caller.read(client, "/pieces/1", look)
    request, inside, reader = trail.spans
    assert inside["parent_id"] == request["id"]
    assert reader["parent_id"] is None


def test_server_sent_events_and_websockets_are_requests_too(service, trail):
    pytest.importorskip("wsproto")
    client = httpx2.Client(base_url=service.url)
    if not hasattr(client, "sse"):
        pytest.skip("this httpx2 has neither")
    with track_httpx(client):
        with client.sse("/pieces/2") as events:
            assert [event.data for event in events] == ["0", "1"]
        with client.websocket(f"ws://127.0.0.1:{service.port}/socket") as socket:
            assert socket.receive_text() == "hi"
    assert [(span["status"], span["output"]["status"]) for span in trail.spans] == [("ok", 200), ("ok", 101)]
    assert service.told("/socket") == [traceparent_of(trail.spans[1])]
