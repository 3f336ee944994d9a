"""Questions about your texts: retrieval, prompt and model in one tree. Run it: python examples/langchain_rag.py"""

import stand_in
import trailmark
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI
from trailmark_langchain import TrailmarkTracer

stand_in.use()
TEXTS = {
    "green.txt": "Green tea wants water of 70 to 80 degrees.",
    "black.txt": "Black tea wants it boiling.",
}

shelf = InMemoryVectorStore(DeterministicFakeEmbedding(size=64))  # take the embeddings of your provider instead
shelf.add_documents([Document(text, metadata={"source": name}) for name, text in TEXTS.items()])


@trailmark.track
def as_text(documents):
    return "\n".join(f"{document.metadata['source']}: {document.page_content}" for document in documents)


prompt = ChatPromptTemplate.from_messages([("system", "Use this:\n{facts}"), ("human", "{question}")])
facts = shelf.as_retriever(search_kwargs={"k": 2}) | as_text
chain = (
    {"facts": facts, "question": RunnablePassthrough()}
    | prompt
    | ChatOpenAI(model="gpt-4o-mini", stream_usage=True)
    | StrOutputParser()
)


@trailmark.track
def answer(question):
    config = {"callbacks": [TrailmarkTracer()], "metadata": {"session_id": "chat-7"}}
    return "".join(chain.stream(question, config))


print(answer("How hot for green tea?"))
