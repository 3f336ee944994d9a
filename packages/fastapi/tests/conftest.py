"""Applications under a real uvicorn on loopback, asked by a real client."""

import socket
import threading
import time
from contextlib import contextmanager

import httpx2
import pytest
import uvicorn


@contextmanager
def serving(app, **options):
    """The address of the application, served in a thread of this process."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # or small packets wait 40 ms
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    settings = {"log_level": "error", "lifespan": "on", **options}
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
        listener.close()


@pytest.fixture(scope="session")
def serve():
    return serving


@pytest.fixture(params=["h11", "httptools"])
def asked(request, serve):
    """Asks an application for one thing, over a socket of its own; returns the answer once the server is done."""

    def ask(app, path="/", method="GET", **options):
        if request.param == "httptools":
            pytest.importorskip("httptools")
        with serve(app, http=request.param) as url, httpx2.Client(base_url=url) as client:
            return client.request(method, path, **options)

    return ask
