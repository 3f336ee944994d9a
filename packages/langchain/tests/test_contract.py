"""The contract of every integration, kept by this one."""

from langchain_core.runnables import RunnableLambda
from langchain_core.tracers import context
from trailmark.testing.integration_contract import IntegrationContract
from trailmark_langchain import instrument


def fail(x):
    raise ValueError(f"no {x}")


class TestContract(IntegrationContract):
    instrument = staticmethod(instrument)

    def call(self):
        return (RunnableLambda(abs) | RunnableLambda(str)).invoke(-1)

    def fail(self):
        RunnableLambda(fail).invoke(1)

    def hooked(self):
        return list(context._configure_hooks)
