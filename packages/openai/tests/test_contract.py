"""The contract of every integration, kept by this one."""

import openai
import pytest
import trailmark_openai
from fake_openai import chat
from trailmark.testing.integration_contract import IntegrationContract

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


class TestContract(IntegrationContract):
    instrument = staticmethod(trailmark_openai.instrument)

    @pytest.fixture(autouse=True)
    def service(self, fake):
        self.fake = fake

    def ask(self):
        with openai.OpenAI(base_url=self.fake.url, api_key="none", max_retries=0) as client:
            return client.chat.completions.create(**ASK)

    def call(self):
        self.fake.answer(chat("Hi"))
        return self.ask()

    def fail(self):
        self.fake.answer({"error": {"message": "no such model"}}, status=404)
        self.ask()

    def hooked(self):
        owners = (openai.OpenAI, openai.AsyncOpenAI)
        methods = [getattr(owner, name, None) for owner in owners for name in ("request", "_send_request")]
        return methods + [
            vars(owner).get(name) for owner in owners for name in ("responses", "realtime", "live", "beta")
        ]
