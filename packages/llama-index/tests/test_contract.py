"""The contract of every integration, kept by this one."""

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index_instrumentation import get_dispatcher
from trailmark.testing.integration_contract import IntegrationContract
from trailmark_llama_index import instrument


class TestContract(IntegrationContract):
    instrument = staticmethod(instrument)

    @pytest.fixture(autouse=True)
    def _model(self, model):
        self.model = model

    def call(self):
        return self.model().chat([ChatMessage(role="user", content="Hi")])

    def fail(self):
        self.model(ValueError("no")).chat([ChatMessage(role="user", content="Hi")])

    def hooked(self):
        return [*get_dispatcher().span_handlers, *get_dispatcher().event_handlers]
