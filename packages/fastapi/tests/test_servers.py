"""Served as in production: several workers, gunicorn, two services, clients that misbehave."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from trailmark import spool

PROGRAMS = Path(__file__).parent / "programs"
UVICORN = [sys.executable, "-m", "uvicorn", "service:app", "--log-level", "error"]


@contextmanager
def running(home, command, **env):
    """The address of a server in processes of its own; at the end it is told to stop."""
    known = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_"))}
    env = {**known, "TRAILMARK_HOME": str(home), "TRAILMARK_QUIET": "1", **env}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number, url = listener.fileno(), f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = {"cwd": PROGRAMS, "env": env, "start_new_session": True, "pass_fds": [number]}
        process = subprocess.Popen(command(number), **started)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx2.get(f"{url}/healthz")
                break
            except httpx2.TransportError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def uvicorn(*more):
    return lambda listener: [*UVICORN, "--fd", str(listener), *more]


def spans(home):
    newest = {}
    for segment in spool.segments(home):
        for record in map(json.loads, spool.read(segment, 2**26, from_start=True).records):
            if record["k"] == "span" and record["ver"] >= newest.get(record["id"], {"ver": 0})["ver"]:
                newest[record["id"]] = record
    return list(newest.values())


def trees(home):
    """The names of each trace, and how many traces have them."""
    by_trace = {}
    for span in spans(home):
        by_trace.setdefault(span["trace_id"], []).append(f"{span['name']} {span['status']}")
    return [sorted(names) for names in by_trace.values()]


@pytest.mark.parametrize("server", ["one worker", "four workers", "gunicorn"])
def test_every_request_is_a_trace_whoever_serves_it(tmp_path, server):
    if server == "gunicorn":
        pytest.importorskip("gunicorn")
        pytest.importorskip("uvicorn_worker")

        def command(listener):
            start = [sys.executable, "-m", "gunicorn", "service:app", "-k", "uvicorn_worker.UvicornWorker"]
            return [*start, "-w", "2", "-b", f"fd://{listener}", "--no-control-socket", "--log-level", "error"]

    else:
        command = uvicorn("--workers", "4") if server == "four workers" else uvicorn()
    with running(tmp_path, command) as url:
        answers = [httpx2.get(f"{url}/back/{n}").json()[0] for n in range(40)]
    assert answers == list(range(40))
    assert trees(tmp_path) == [["GET /back/{n} ok", "work ok"]] * 40


def test_two_services_share_one_trace(tmp_path):
    with running(tmp_path, uvicorn()) as back, running(tmp_path, uvicorn(), NEXT=back) as front:
        assert httpx2.get(f"{front}/front/7").json()[0] == 7
    assert trees(tmp_path) == [["GET /back/{n} ok", "GET /front/{n} ok", "work ok"]]
    by_name = {span["name"]: span for span in spans(tmp_path)}
    assert by_name["GET /back/{n}"]["parent_id"] == by_name["GET /front/{n}"]["id"]


def test_a_worker_that_is_killed_leaves_its_requests_told(tmp_path):
    with running(tmp_path, uvicorn()) as url, httpx2.Client(base_url=url) as client:
        client.get("/back/1")
        pid = client.get("/back/2").json()[1]  # on the same connection: the first is over
        os.kill(pid, signal.SIGKILL)
    told = trees(tmp_path)
    assert ["GET /back/{n} ok", "work ok"] in told
    assert [len(tree) for tree in told] == [2, 2]


def test_a_worker_that_is_killed_in_mid_stream_leaves_the_request_under_its_name(tmp_path):
    with running(tmp_path, uvicorn()) as url, httpx2.stream("GET", f"{url}/endless/1") as answer:
        parts = answer.iter_raw()
        os.kill(int(next(parts)), signal.SIGKILL)
        with pytest.raises(httpx2.TransportError):
            next(parts)
    assert trees(tmp_path) == [["GET /endless/{n} running", "talking running"]]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /back/1 HTTP/1.1\r\nHost: x\r\ntraceparent: \xff\xfe\x80\r\n\r\n",
        b"GET /back/1 HTTP/1.1\r\nHost: x\r\ntraceparent: a\r\ntraceparent: b\r\n\r\n",
        b"GET /back/1 HTTP/1.1\r\nHost: x\r\ntracestate: " + b"a=1," * 400 + b"\r\n\r\n",
        b"GET /back/1?%ff=%fe&&==&a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /back/%2e%2e%00x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /back/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
    ],
)
def test_odd_requests_and_clients_that_leave_do_no_harm(tmp_path, sent):
    with running(tmp_path, uvicorn()) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(sent)
            raw.settimeout(30)
            answer = b"" if sent.endswith(b"half") else raw.recv(100)
        assert answer[:9] in (b"HTTP/1.1 ", b"")
        assert b" 500 " not in answer
        assert httpx2.get(f"{url}/back/2").json()[0] == 2
    assert ["GET /back/{n} ok", "work ok"] in trees(tmp_path)
