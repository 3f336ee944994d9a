"""trailmark for LlamaIndex."""

from trailmark_llama_index._instrument import instrument

__all__ = ["instrument"]
