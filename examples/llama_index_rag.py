"""Questions about a folder of text files, streamed. Run it: python examples/llama_index_rag.py"""

import tempfile
from pathlib import Path

import trailmark
from llama_index.core import MockEmbedding, SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.llms import MockLLM
from trailmark_llama_index import instrument

instrument()

TEXTS = {
    "green.txt": "Green tea is steamed or roasted at once, so that it stays green.",
    "black.txt": "Black tea is rolled and oxidised before it is dried.",
    "white.txt": "White tea is only withered and dried.",
}


@trailmark.track
def build(folder):
    """An index of all texts in a folder; take the embeddings of your provider instead of the mock."""
    return VectorStoreIndex.from_documents(SimpleDirectoryReader(folder).load_data(), embed_model=MockEmbedding(64))


@trailmark.track
def ask(index, question):
    """The answer, to its last piece; take the model of your provider instead of the mock."""
    answer = index.as_query_engine(llm=MockLLM(max_tokens=8), streaming=True).query(question)
    return "".join(answer.response_gen)


with tempfile.TemporaryDirectory() as folder:
    for name, text in TEXTS.items():
        Path(folder, name).write_text(text, encoding="utf-8")
    with trailmark.trace("llama-index-rag"):
        print(ask(build(folder), "How is black tea made?"))
