"""Runs of the real langchain-core under a tracer that lets our own faults out."""

import pytest
from trailmark_langchain import TrailmarkTracer


@pytest.fixture
def tracer(trail, monkeypatch):
    monkeypatch.setattr(TrailmarkTracer, "raise_error", True)
    return TrailmarkTracer()


@pytest.fixture
def config(tracer):
    return {"callbacks": [tracer]}
