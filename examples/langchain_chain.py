"""A chain, a tool and your own functions in one tree. Run it: python examples/langchain_chain.py"""

import stand_in
import trailmark
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from trailmark_langchain import TrailmarkTracer

stand_in.use()


@trailmark.track(type="retriever")
def shelf(topic):
    return f"All there is about {topic}."


@tool
def look_up(topic: str) -> str:
    """Look something up."""
    return shelf(topic)


prompt = ChatPromptTemplate.from_messages([("system", "Use this: {facts}"), ("human", "{question}")])
chain = prompt | ChatOpenAI(model="gpt-4o-mini") | StrOutputParser()


@trailmark.track
def answer(question):
    config = {"callbacks": [TrailmarkTracer()], "metadata": {"session_id": "chat-7"}}
    facts = look_up.invoke({"topic": "tea"}, config)
    return "".join(chain.stream({"facts": facts, "question": question}, config))


print(answer("What is tea?"))
