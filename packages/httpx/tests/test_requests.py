"""A span for each request: what it says, where its trace is told, and how it ends."""

import pytest
import trailmark
from trailmark.testing import record_trail
from trailmark_httpx import track_httpx

THEIRS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def traceparent_of(span):
    return f"00-{span['trace_id'].replace('-', '')}-{span['id'].replace('-', '')[16:]}-01"


def test_a_request_is_a_span_that_says_what_was_asked_and_answered(caller, service, trail):
    client = track_httpx(caller.client(), capture_headers=["X-Mine", "Authorization", "Secret"])
    options = {"params": {"q": "a", "api_key": "0123456789abcdef01"}, "headers": {"x-mine": "1", "authorization": "no"}}
    answer = caller.get(client, "/hello", method="POST", content=b"body", **options)
    assert answer.json() == {"hello": "world"}
    [span] = trail.spans
    assert (span["name"], span["type"], span["status"]) == (f"POST 127.0.0.1:{service.port}", "general", "ok")
    assert span["input"] == {
        "method": "POST",
        "host": f"127.0.0.1:{service.port}",
        "path": "/hello",
        "query": {"q": "a", "api_key": "[redacted]"},
        "bytes": 4,
        "headers": {"x-mine": "1", "authorization": "[redacted]"},
    }
    assert span["output"].pop("first_byte_ms") > 0
    assert span["output"] == {
        "status": 200,
        "bytes": 18,
        "content_type": "application/json",
        "headers": {"secret": "[redacted]"},
    }
    assert "metadata" not in span
    assert not any(b"0123456789" in record or b"world" in record or b'"body"' in record for record in trail.raw)


def test_it_is_in_the_trace_it_is_made_in_and_tells_the_service_of_it(caller, service, trail):
    with trailmark.span("outer"):
        caller.get(track_httpx(caller.client()), "/hello")
    outer, span = trail.spans
    assert span["parent_id"] == outer["id"]
    [(_, headers)] = service.seen
    assert headers["traceparent"] == traceparent_of(span)
    assert headers["tracestate"] == f"trailmark={span['id']}"


def test_the_template_of_a_path_makes_the_name(caller, service, trail):
    client = track_httpx(caller.client())
    caller.get(client, "/hello/7", extensions={"path_template": "/hello/{id}"})
    assert trail.spans[0]["name"] == f"GET 127.0.0.1:{service.port}/hello/{{id}}"
    assert trail.spans[0]["input"]["path"] == "/hello/7"


def test_user_and_password_of_an_address_are_nowhere(caller, service, trail):
    client = track_httpx(caller.client(base_url=f"http://ada:hunter2hunter2@127.0.0.1:{service.port}"))
    caller.get(client, "/hello")
    assert service.seen[0][1]["authorization"]
    assert not any(b"hunter2" in record or b"ada" in record for record in trail.raw)


@pytest.mark.parametrize(
    ("propagate_to", "is_told"),
    [(None, True), (["*"], True), (["127.0.0.*"], True), (["127.0.0.1"], True), ([], False), (["example.com"], False)],
)
def test_only_hosts_that_may_know_are_told(caller, service, trail, propagate_to, is_told):
    caller.get(track_httpx(caller.client(), propagate_to=propagate_to), "/hello")
    assert (service.told("/hello") != [None]) is is_told
    assert trail.spans[0]["status"] == "ok"


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("orders", True),
        ("localhost", True),
        ("10.1.2.3", True),
        ("[::1]", True),
        ("db.internal", True),
        ("api.team.svc.cluster.local.", True),
        ("api.openai.com", False),
        ("8.8.8.8", False),
        ("internal.example.com", False),
        ("notlocal", True),
        ("xn--bcher-kva.example", False),
    ],
)
def test_by_default_ones_own_network_is_told_and_nobody_else(library, trail, host, is_own):
    seen = []

    def answer(request):
        seen.append("traceparent" in request.headers)
        return library.Response(200)

    with track_httpx(library.Client(transport=library.MockTransport(answer))) as client:
        client.get(f"http://{host}/")
    assert seen == [is_own]


def test_a_header_the_user_set_stays(caller, service, trail):
    caller.get(track_httpx(caller.client()), "/hello", headers={"traceparent": THEIRS})
    [(_, headers)] = service.seen
    assert headers["traceparent"] == THEIRS
    assert "tracestate" not in headers


def test_a_redirect_is_the_same_request_and_takes_no_trace_to_a_host_that_may_not_know(caller, service, trail):
    client = track_httpx(caller.client(follow_redirects=True), propagate_to=["127.0.0.1"])
    caller.get(client, f"/to/127.0.0.1:{service.port}/hello", f"/to/localhost:{service.port}/hello")
    same, cross = trail.spans
    assert service.told("/hello") == [traceparent_of(same), None]
    assert same["metadata"] == {"attempts": [302, 200], "redirects": [f"http://127.0.0.1:{service.port}/hello"]}
    assert cross["metadata"]["redirects"] == [f"http://localhost:{service.port}/hello"]
    assert (same["output"]["status"], cross["status"]) == (200, "ok")


def test_a_login_sends_the_same_trace_twice_and_is_one_span(caller, service, library, trail):
    client = track_httpx(caller.client(auth=library.DigestAuth("ada", "pw")))
    assert caller.get(client, "/digest").text == "in"
    [span] = trail.spans
    assert service.told("/digest") == [traceparent_of(span)] * 2
    assert span["metadata"]["attempts"] == [401, 200]


def test_a_request_sent_twice_is_two_spans_and_is_left_as_it_was(caller, service, trail):
    client = track_httpx(caller.client())
    request = client.build_request("GET", "/hello")
    before, extensions = dict(request.headers), dict(request.extensions)

    if caller.is_async:

        async def act(client):
            await client.send(request)
            return await client.send(request)

    else:

        def act(client):
            client.send(request)
            return client.send(request=request)

    answer = caller.do(client, act)
    assert answer.request is request
    assert (dict(request.headers), dict(request.extensions)) == (before, extensions)
    first, second = map(traceparent_of, trail.spans)
    assert service.told("/hello") == [first, second]


def test_what_the_service_refuses_is_an_error_without_an_exception(caller, trail):
    client = track_httpx(caller.client())
    assert caller.get(client, "/status/404", "/status/500").status_code == 500
    assert [(span["status"], span["output"]["status"]) for span in trail.spans] == [("error", 404), ("error", 500)]


def test_no_connection_is_an_error_with_its_exception(caller, library, trail):
    with pytest.raises(library.ConnectError) as caught:
        caller.get(track_httpx(caller.client(base_url="http://127.0.0.1:1")), "/")
    [span] = trail.spans
    assert (span["status"], span["error"]["type"]) == ("error", f"{library.__name__}.ConnectError")
    assert caught.value.request.url.path == "/"
    assert "output" not in span


def test_a_timeout_a_dropped_connection_and_half_an_answer_are_errors(caller, library, service, trail):
    impatient = library.Timeout(30, read=0.05)
    with pytest.raises(library.ReadTimeout):
        caller.get(track_httpx(caller.client(timeout=impatient)), "/slow")
    for path in ("/drop", "/broken"):
        with pytest.raises(library.RemoteProtocolError):
            caller.get(track_httpx(caller.client(timeout=30)), path)
    slow, dropped, broken = trail.spans
    assert slow["error"]["type"] == f"{library.__name__}.ReadTimeout"
    assert [span["error"]["type"] for span in (dropped, broken)] == [f"{library.__name__}.RemoteProtocolError"] * 2
    assert broken["output"]["status"] == 200
    assert "bytes" not in broken["output"]


def test_a_key_with_a_line_break_in_it_is_not_recorded_with_its_error(caller, library, trail):
    with pytest.raises(library.LocalProtocolError, match="hunter2"):
        caller.get(track_httpx(caller.client()), "/hello", headers={"x-api-key": "hunter2\n"})
    [span] = trail.spans
    assert span["error"]["type"] == f"{library.__name__}.LocalProtocolError"
    assert "Illegal header value [hidden]" in span["error"]["message"]
    assert not any(b"hunter2" in record for record in trail.raw)


def test_connections_tried_anew_are_told(caller, library, service, trail):
    kind = library.AsyncHTTPTransport if caller.is_async else library.HTTPTransport
    with pytest.raises(library.ConnectError):
        caller.get(track_httpx(caller.client(base_url="http://127.0.0.1:1", transport=kind(retries=1))), "/")
    caller.get(track_httpx(caller.client(transport=kind(retries=1))), "/hello")
    failed, fine = trail.spans
    assert failed["metadata"]["attempts"] == ["ConnectError", "ConnectError"]
    assert "metadata" not in fine


def test_the_tries_of_a_transport_that_retries_are_told(caller, library, service, trail):
    asked = []

    class Retrying(library.HTTPTransport):
        def handle_request(self, request):
            while (response := super().handle_request(request)).status_code == 503:
                response.read()
            return response

    class AsyncRetrying(library.AsyncHTTPTransport):
        async def handle_async_request(self, request):
            while (response := await super().handle_async_request(request)).status_code == 503:
                await response.aread()
            return response

    def watch(event, _info):
        asked.append(event)

    async def watch_async(event, _info):
        asked.append(event)

    class Around(library.AsyncBaseTransport if caller.is_async else library.BaseTransport):
        inner = AsyncRetrying() if caller.is_async else Retrying()

        def handle_request(self, request):
            return self.inner.handle_request(request)

        async def handle_async_request(self, request):
            return await self.inner.handle_async_request(request)

        def close(self):
            self.inner.close()

        async def aclose(self):
            await self.inner.aclose()

    client = track_httpx(caller.client(transport=Around()))
    trace = watch_async if caller.is_async else watch
    assert caller.get(client, "/flaky/2", extensions={"trace": trace}).status_code == 200
    assert trail.spans[0]["metadata"] == {"attempts": [503, 503, 200]}
    assert asked.count("http11.send_request_headers.started") == 3


def test_nothing_of_a_request_is_recorded_when_the_settings_leave_it_out(caller, service):
    client = track_httpx(caller.client(follow_redirects=True), capture_headers=["x-mine", "secret", "location"])
    target = f"/to/127.0.0.1:{service.port}/hello/marker"
    with record_trail(capture_input=False, capture_output=False) as trail:
        caller.get(client, target, params={"q": "marker"}, headers={"x-mine": "marker"})
    [span] = trail.spans
    assert {"input", "output"}.isdisjoint(span)
    assert not [record for record in trail.raw if b"marker" in record or b"x-key" in record]
    assert span["metadata"].pop("response").keys() == {"status", "bytes", "content_type", "first_byte_ms"}
    assert span["metadata"] == {"attempts": [302, 200]}
