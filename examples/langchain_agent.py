"""An agent with two tools, one traced inside, without callbacks. Run it: python examples/langchain_agent.py"""

import stand_in
import trailmark
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from trailmark_langchain import instrument

stand_in.use()
instrument()


@trailmark.track(type="retriever")
def shelf(topic):
    return f"All there is about {topic}."


@tool
def look_up(topic: str) -> str:
    """Look something up."""
    return shelf(topic)


@tool
def convert(grams: float) -> str:
    """Convert grams to teaspoons."""
    return f"{grams / 2:.1f} teaspoons"


agent = create_agent(ChatOpenAI(model="gpt-4o-mini"), [look_up, convert], name="host")

with trailmark.trace("langchain-agent", thread_id="chat-7"):
    found = agent.invoke({"messages": [("human", "How much tea for one cup?")]})
    print(found["messages"][-1].content)
