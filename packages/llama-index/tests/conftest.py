"""The real llama-index-core, its mock embeddings, and a model of the house that streams, calls tools and counts tokens."""

from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LLMMetadata, ToolCallBlock
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms.callbacks import llm_chat_callback
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.schema import TextNode
from pydantic import Field
from trailmark_llama_index import instrument

USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


class Model(MockFunctionCallingLLM):
    """Says `answers` one after the other, the last one for ever: text, an exception, or a tool's name with arguments."""

    answers: list[Any] = Field(default_factory=list)
    fails_after: int | None = None  # pieces of a stream
    asked: int = 0

    @property
    def metadata(self):
        return LLMMetadata(model_name="m-1", is_function_calling_model=True, is_chat_model=True)

    def _answer(self):
        said = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(said, Exception):
            raise said
        if isinstance(said, tuple):
            name, arguments = said
            block = ToolCallBlock(tool_call_id=f"call-{self.asked}", tool_name=name, tool_kwargs=arguments)
            return ChatMessage(role="assistant", blocks=[block])
        return ChatMessage(role="assistant", content=said)

    def _pieces(self):
        said = self._answer()
        raw = {"model": "m-1", "usage": USAGE}
        if not said.content:
            yield ChatResponse(message=said, delta="", raw=raw)
            return
        text = ""
        for number, word in enumerate(said.content.split(" ")):
            if number == self.fails_after:
                raise ConnectionError("cut off")
            delta = f" {word}" if text else word
            text += delta
            yield ChatResponse(message=ChatMessage(role="assistant", content=text), delta=delta, raw=raw)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return ChatResponse(message=self._answer(), raw={"model": "m-1-2026", "usage": USAGE})

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return ChatResponse(message=self._answer(), raw={"model": "m-1-2026", "usage": USAGE})

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any):
        return self._pieces()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any):
        async def pieces():
            for piece in self._pieces():
                yield piece

        return pieces()


@pytest.fixture
def model():
    return lambda *answers, **fields: Model(answers=list(answers) or ["It is tea."], **fields)


@pytest.fixture
def index():
    from llama_index.core import VectorStoreIndex

    nodes = [TextNode(text=f"Text {number}.", id_=f"n{number}", metadata={"page": number}) for number in range(3)]
    return VectorStoreIndex(nodes, embed_model=MockEmbedding(embed_dim=8, model_name="e-1"))


@pytest.fixture
def traced(trail, index):
    """The trail, from here on with LlamaIndex in it."""
    undo = instrument()
    yield trail
    undo()
