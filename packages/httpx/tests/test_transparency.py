"""A tracked client behaves as a bare one: what it gives, what it raises, what the service sees, and what stays."""

import asyncio
import subprocess
import sys

import pytest
import trailmark
from trailmark_httpx import instrument, track_httpx

SCENES = {
    "an answer": ("/hello", {}),
    "a body": ("/hello", {"method": "POST", "json": {"a": 1}}),
    "a redirect": ("/to/{host}/hello", {}),
    "a redirect not followed": ("/to/{host}/hello", {"follow_redirects": False}),
    "a refusal": ("/status/503", {}),
    "no body": ("/hello", {"method": "HEAD"}),
    "half an answer": ("/broken", {}),
    "a dropped connection": ("/drop", {}),
    "too slow": ("/slow", {"timeout": (30, 0.1, 30, 30)}),  # to connect, read, write and find a connection
    "not an address": ("ftp://nowhere/", {}),
    "not a header": ("/hello", {"headers": {"x": "\u20ac"}}),
}


def told(caller, path, options, client):
    """What a user can see of one request."""
    request = None
    try:
        response = caller.get(client, path, **options)
        request = response.request
        facts = [
            response.status_code,
            response.http_version,
            response.content,
            [each.status_code for each in response.history],
            response.num_bytes_downloaded,
            response.is_closed,
            sorted(response.extensions),
            response.next_request and str(response.next_request.url),
            response.elapsed.total_seconds() > 0,
        ]
    except Exception as error:
        request = getattr(error, "_request", None)
        facts = [type(error), str(error), type(error.__cause__)]
    return [*facts, request and (dict(request.headers), sorted(request.extensions), str(request.url))]


@pytest.mark.parametrize("scene", SCENES)
def test_a_tracked_client_does_as_a_bare_one(caller, service, trail, scene):
    path, options = SCENES[scene]
    path = path.format(host=f"127.0.0.1:{service.port}")
    seen = []
    results = []
    for client in (caller.client(follow_redirects=True), track_httpx(caller.client(follow_redirects=True))):
        service.seen.clear()
        results.append(told(caller, path, options, client))
        seen.append([(path, {k: v for k, v in headers.items() if k[:5] != "trace"}) for path, headers in service.seen])
    assert results[0] == results[1]
    assert seen[0] == seen[1]
    assert trail.spans == [] if results[0][0] is UnicodeEncodeError else len(trail.spans) == 1
    assert trailmark.context.get_current_span() is None


def test_requests_at_once_are_each_in_the_span_they_were_made_in(library, service, trail):
    async def one(client, n):
        with trailmark.span(f"outer {n}"):
            async with client.stream("GET", f"/pieces/{n % 5}?n={n}") as response:
                async for _ in response.aiter_bytes():
                    await asyncio.sleep(0)

    async def run():
        async with track_httpx(library.AsyncClient(base_url=service.url)) as client:
            await asyncio.gather(*(one(client, n) for n in range(50)))

    asyncio.run(run())
    spans = trail.spans
    outer = {span["id"]: span["name"] for span in spans if span["parent_id"] is None}
    requests = [span for span in spans if span["parent_id"] is not None]
    assert len(outer) == len(requests) == 50
    assert all(outer[span["parent_id"]] == f"outer {span['input']['query']['n']}" for span in requests)
    assert {span["status"] for span in spans} == {"ok"}


def test_a_cancelled_request_is_cancelled(library, service, trail):
    async def run():
        async with track_httpx(library.AsyncClient(base_url=service.url)) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get("/slow"), 0.05)

    asyncio.run(run())
    assert [span["status"] for span in trail.spans] == ["cancelled"]


def test_mounts_and_proxies_are_no_matter(caller, library, service, trail):
    kind = library.AsyncHTTPTransport if caller.is_async else library.HTTPTransport
    mounted = track_httpx(caller.client(mounts={"http://127.0.0.1:1": kind(retries=1)}))
    with pytest.raises(library.ConnectError):
        caller.get(mounted, "http://127.0.0.1:1/")
    caller.get(track_httpx(caller.client(proxy=service.url)), "http://orders/hello")
    refused, proxied = trail.spans
    assert refused["metadata"]["attempts"] == ["ConnectError", "ConnectError"]
    assert (proxied["name"], proxied["status"]) == ("GET orders", "ok")
    assert service.told("http://orders/hello") != [None]


def test_a_request_within_another_is_a_span_below_it(caller, library, service, trail):
    class Token(library.Auth):
        def sync_auth_flow(self, request):
            with track_httpx(library.Client(base_url=service.url)) as other:
                request.headers["authorization"] = other.get("/hello").text
            yield request

        async def async_auth_flow(self, request):
            async with track_httpx(library.AsyncClient(base_url=service.url)) as other:
                request.headers["authorization"] = (await other.get("/hello")).text
            yield request

    caller.get(track_httpx(caller.client(auth=Token())), "/status/200")
    outer, inner = trail.spans
    assert (inner["parent_id"], inner["input"]["path"]) == (outer["id"], "/hello")
    assert "metadata" not in outer


def test_a_fault_of_trailmark_s_own_never_reaches_the_program(caller, service, tmp_path, capfd):
    class Sly(str):
        __slots__ = ()

        def __format__(self, _spec):
            raise RuntimeError("sly")

    trailmark.configure(home=tmp_path, quiet=True)
    try:
        client = track_httpx(caller.client())
        answer = caller.get(client, "/hello", extensions={"path_template": Sly("/x")})
    finally:
        trailmark.configure(home=None, quiet=None)
    assert answer.status_code == 200
    assert capfd.readouterr().err.count("sly") <= 1


def test_under_an_alias_both_names_are_one_library(service):
    program = f"""
import httpx2
if not hasattr(httpx2, "alias_httpx"):
    raise SystemExit
httpx2.alias_httpx()
from trailmark.testing import record_trail
from trailmark_httpx import instrument
undo = instrument()
import httpx
assert httpx is httpx2
with record_trail() as trail:
    httpx.get("{service.url}/hello")
undo()
assert len(trail.spans) == 1
assert not hasattr(httpx2.Client.send, "_trailmark_original")
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_importing_the_integration_imports_neither_library():
    program = "import sys, trailmark_httpx; assert not {'httpx', 'httpx2', 'ssl', 'asyncio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_instrumenting_again_after_the_undo_works(library, service, trail):
    for _ in range(3):
        instrument()()
    undo = instrument(propagate_to=[])
    library.get(f"{service.url}/hello")
    undo()
    assert len(trail.spans) == 1
    assert service.told("/hello") == [None]
