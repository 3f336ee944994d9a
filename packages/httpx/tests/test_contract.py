"""The contract of every integration, kept by this one: for each library, sync and async."""

import asyncio

import httpx2
import pytest
import trailmark_httpx
from trailmark.testing.integration_contract import IntegrationContract


class TestContract(IntegrationContract):
    library = httpx2
    instrument = staticmethod(trailmark_httpx.instrument)

    @pytest.fixture(autouse=True)
    def asked(self, service):
        self.url = service.url

    def ask(self, url):
        return self.library.get(url)

    def call(self):
        return self.ask(self.url).text

    def fail(self):
        self.ask("http://127.0.0.1:1/")

    def hooked(self):
        owners = (self.library.Client, self.library.AsyncClient)
        return [getattr(owner, name) for owner in owners for name in ("send", "_send_single_request")]


class TestAsyncContract(TestContract):
    def ask(self, url):
        async def run():
            async with self.library.AsyncClient() as client:
                return await client.get(url)

        return asyncio.run(run())


class TestContractOfHttpx(TestContract):
    @pytest.fixture(autouse=True)
    def older(self):
        self.library = pytest.importorskip("httpx")


class TestAsyncContractOfHttpx(TestAsyncContract):
    @pytest.fixture(autouse=True)
    def older(self):
        self.library = pytest.importorskip("httpx")
