"""A graph that asks a person: two traces, one thread. Run it: python examples/langgraph_interrupt.py"""

from typing import TypedDict

import trailmark
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from trailmark_langchain import TrailmarkTracer


class Order(TypedDict, total=False):
    tea: str
    grams: int
    told: str


@trailmark.track
def stock(tea):
    return {"green": 40, "black": 500}[tea]


def weigh(order):
    return {"grams": min(stock(order["tea"]), 100)}


def confirm(order):
    if not interrupt({"question": f"Send {order['grams']} g of {order['tea']} tea?"}):
        return Command(update={"told": "Nothing sent."}, goto=END)
    return Command(goto="send")


def send(order):
    return {"told": f"{order['grams']} g of {order['tea']} tea are on their way."}


graph = StateGraph(Order)
graph.add_node("weigh", weigh)
graph.add_node("confirm", confirm, destinations=("send", END))
graph.add_node("send", send)
graph.add_edge(START, "weigh")
graph.add_edge("weigh", "confirm")
graph.add_edge("send", END)
app = graph.compile(checkpointer=InMemorySaver(), name="order")

tracer = TrailmarkTracer()
config = {"callbacks": [tracer], "configurable": {"thread_id": "order-7"}}

asked = app.invoke({"tea": "green"}, config)
print(asked["__interrupt__"][0].value["question"], "| trace", tracer.trace_id)
print(app.invoke(Command(resume=True), config)["told"], "| trace", tracer.trace_id)
