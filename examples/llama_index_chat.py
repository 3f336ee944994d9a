"""A chat about your texts whose answers stream. Run it: python examples/llama_index_chat.py"""

import trailmark
from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.llms import MockLLM
from trailmark_llama_index import instrument

instrument()

index = VectorStoreIndex.from_documents(
    [Document(text="Green tea wants water of 70 to 80 degrees."), Document(text="Black tea wants it boiling.")],
    embed_model=MockEmbedding(64),
)
# Take the model of your provider instead of the mock.
chat = index.as_chat_engine(chat_mode="condense_plus_context", llm=MockLLM(max_tokens=6))

for question in ("How hot for green tea?", "And for black?"):
    with trailmark.trace("chat-turn", input={"question": question}, thread_id="chat-7"):
        for piece in chat.stream_chat(question).response_gen:
            print(piece, end="", flush=True)
        print()
