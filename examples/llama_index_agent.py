"""An agent with two tools, one of them traced inside. Run it: python examples/llama_index_agent.py"""

import asyncio

import trailmark
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms.mock import MockFunctionCallingLLM
from trailmark_llama_index import instrument

instrument()


@trailmark.track(type="retriever")
def shelf(topic):
    return f"All there is about {topic}."


def look_up(topic: str = "tea") -> str:
    """Look something up."""
    return shelf(topic)


async def convert(grams: float = 3.0) -> str:
    """Convert grams to teaspoons."""
    return f"{grams / 2:.1f} teaspoons"


async def main() -> None:
    # The mock calls each tool once with its defaults; take the model of your provider instead.
    agent = FunctionAgent(name="host", tools=[look_up, convert], llm=MockFunctionCallingLLM())
    print(await agent.run("How much tea for one cup?"))


asyncio.run(main())
