"""Clients of both libraries, sync and async, against a fake service on loopback."""

import asyncio
import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not: the fake service is shared by these tests

from fake_service import FakeService


@pytest.fixture(scope="session")
def running():
    with FakeService() as service:
        yield service


@pytest.fixture
def service(running):
    running.seen.clear()
    return running


@pytest.fixture(params=["httpx2", "httpx"])
def library(request):
    return pytest.importorskip(request.param)


class Caller:
    """Asks in one way whether the client is sync or async: each request is made from beginning to end."""

    def __init__(self, library, kind, url):
        self.library, self.is_async = library, kind == "async"
        self._url = url

    def client(self, **options):
        made = self.library.AsyncClient if self.is_async else self.library.Client
        return made(**{"base_url": self._url, **options})

    def do(self, client, act):
        """`act(client)`, awaited where it is to be, and the client closed."""
        if not self.is_async:
            with client:
                return act(client)

        async def run():
            async with client:
                return await act(client)

        return asyncio.run(run())

    def get(self, client, *paths, method="GET", **options):
        """The last answer."""
        if not self.is_async:
            with client:
                return [client.request(method, path, **options) for path in paths][-1]

        async def run():
            async with client:
                return [await client.request(method, path, **options) for path in paths][-1]

        return asyncio.run(run())

    def read(self, client, path, look, **options):
        """A stream, and what `look` takes of each chunk until it says True; the number of chunks."""
        if not self.is_async:
            with client, client.stream("GET", path, **options) as response:
                return _count(response, look)

        async def run():
            async with client, client.stream("GET", path, **options) as response:
                count = 0
                async for _ in response.aiter_raw():
                    count += 1
                    if look(count):
                        break
                return count

        return asyncio.run(run())


def _count(response, look):
    count = 0
    for _ in response.iter_raw():
        count += 1
        if look(count):
            break
    return count


@pytest.fixture(params=["sync", "async"])
def caller(request, library, service):
    return Caller(library, request.param, service.url)


@pytest.fixture
def both():
    return importlib.import_module("httpx2"), pytest.importorskip("httpx")
