"""A prompt, a model and a parser, and the ways to run them."""

import asyncio

import trailmark
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
USAGE = {
    "input_tokens": 11,
    "output_tokens": 7,
    "total_tokens": 18,
    "input_token_details": {"cache_read": 4, "audio": 1},
    "output_token_details": {"reasoning": 3},
}
CHAIN_TREE = """\
RunnableSequence (chain) ok
  ChatPromptTemplate (chain) ok
  GenericFakeChatModel (llm) ok
  StrOutputParser (chain) ok"""


@trailmark.track
def work(x):
    return x


def model(*answers):
    said = answers or (AIMessage("It is tea.", usage_metadata=USAGE, response_metadata={"model_name": "m-1"}),)
    return GenericFakeChatModel(messages=iter(said * 100))


def chain():
    return PROMPT | model() | StrOutputParser()


def run(how, target, given, config):
    async def collect():
        return [piece async for piece in target.astream(given, config)]

    if how == "invoke":
        return target.invoke(given, config)
    if how == "ainvoke":
        return asyncio.run(target.ainvoke(given, config))
    if how == "stream":
        return "".join(target.stream(given, config))
    return "".join(asyncio.run(collect()))


HOW = ["invoke", "ainvoke", "stream", "astream"]
