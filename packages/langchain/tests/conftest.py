"""Runs of the real langchain-core under a tracer that lets our own faults out."""

import sys
from pathlib import Path

import pytest
from trailmark_langchain import TrailmarkTracer

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not: the chains are shared by these tests


@pytest.fixture
def tracer(trail, monkeypatch):
    monkeypatch.setattr(TrailmarkTracer, "raise_error", True)
    return TrailmarkTracer()


@pytest.fixture
def config(tracer):
    return {"callbacks": [tracer]}
