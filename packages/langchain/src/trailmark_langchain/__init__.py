"""trailmark for LangChain and LangGraph."""

from trailmark_langchain._instrument import instrument
from trailmark_langchain._tracer import TrailmarkTracer

__all__ = ["TrailmarkTracer", "instrument"]
