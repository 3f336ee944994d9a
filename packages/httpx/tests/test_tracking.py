"""Which clients and requests are recorded, and which are left alone."""

import httpx2
import pytest
import trailmark
from trailmark_httpx import instrument, track_httpx, untrack_httpx

HOP = "_send_single_request"


def test_the_module_s_own_functions_are_seen_when_the_process_is_instrumented(library, service, trail):
    undo = instrument()
    try:
        library.get(f"{service.url}/hello")
        with track_httpx(library.Client(base_url=service.url)) as client:
            client.get("/hello")
    finally:
        undo()
    library.get(f"{service.url}/hello")
    assert trail.tree() == "\n".join([f"GET 127.0.0.1:{service.port} (general) ok"] * 2)


def test_both_libraries_are_served_in_one_process(both, service, trail):
    undo = instrument()
    try:
        for library in both:
            library.get(f"{service.url}/hello")
    finally:
        undo()
    assert len(trail.spans) == 2


def test_a_client_is_the_same_object_of_the_same_looks_and_can_be_given_back(caller, trail):
    client = caller.client()
    cls = type(client)
    assert track_httpx(track_httpx(client)) is client
    assert isinstance(client, cls)
    assert (type(client).__name__, type(client).__module__, type(client).__doc__) == (
        cls.__name__,
        cls.__module__,
        cls.__doc__,
    )
    assert untrack_httpx(client) is client
    assert type(client) is cls
    caller.get(client, "/hello")
    assert trail.raw == []


def test_a_client_of_the_user_s_own_class_is_one_span_however_often_it_sends(caller, library, trail):
    class Patient(library.Client):
        def send(self, request, **options):
            super().send(request, **options)
            return super().send(request, **options)

    class AsyncPatient(library.AsyncClient):
        async def send(self, request, **options):
            await super().send(request, **options)
            return await super().send(request, **options)

    client = (AsyncPatient if caller.is_async else Patient)(base_url=caller.client().base_url)
    undo = instrument()
    try:
        caller.get(track_httpx(client), "/hello")
    finally:
        undo()
    [span] = trail.spans
    assert span["metadata"]["attempts"] == [200, 200]


def test_an_excluded_host_is_left_alone(caller, service, trail):
    with trailmark.span("outer"):
        caller.get(track_httpx(caller.client(), exclude=["127.*"]), "/hello")
    assert [span["name"] for span in trail.spans] == ["outer"]
    assert service.told("/hello") == [None]


def test_outside_of_a_trace_nothing_is_recorded_when_roots_are_not_wanted(caller, service, trail):
    client = track_httpx(caller.client(), roots=False)
    caller.get(client, "/hello")
    assert trail.raw == []
    assert service.told("/hello") == [None]


def test_requests_of_trailmark_s_own_are_never_recorded(service, tmp_path):
    undo = instrument()
    trailmark.configure(url=service.url, home=tmp_path, quiet=True)
    try:
        httpx2.get(f"{service.url}/hello")
        with trailmark.span("one"):
            pass
        trailmark.flush(5)
        assert trailmark.stats()["recorded"] == 2  # the one span, begun and ended
        assert service.told("/hello") == [None]
    finally:
        trailmark.configure(url=None, home=None, quiet=None)
        undo()
    assert not any(headers.get("traceparent") for _, headers in service.seen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"propagate_to": "orders"}, "propagate_to is 'orders'; allowed: a list of texts"),
        ({"propagate_to": ["http://orders"]}, "propagate_to has 'http://orders'; allowed: names of hosts"),
        ({"exclude": [7]}, "exclude is"),
        ({"exclude": 7}, "exclude is 7"),
        ({"roots": "no"}, "roots is 'no'; allowed: True or False"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_options_are_told_at_once(options, message):
    with httpx2.Client() as client, pytest.raises((TypeError, ValueError), match=message):
        track_httpx(client, **options)
    with pytest.raises((TypeError, ValueError), match=message):
        instrument(**options)


def test_what_is_no_client_is_refused(library):
    for act in (track_httpx, untrack_httpx):
        with pytest.raises(TypeError, match=r"takes a Client or AsyncClient of httpx or httpx2; got builtins\.str"):
            act("client")
