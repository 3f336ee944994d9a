"""Traces made for the page's tests: records as clients send them, of any shape, and no client in between."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

__all__ = ["Made", "agent_run", "chat_input", "post"]

Record = dict[str, Any]
SECOND = 1_000_000


class Made:
    """A trace in the making; `records` are its spans, the root's carries the trace."""

    def __init__(self, name: str, project: str, *, start_us: int, seed: int, **own: Any) -> None:
        self.project, self.start_us = project, start_us
        self._random = random.Random(f"{project} {name} {seed}")
        self.id = self._id(start_us)
        self.records: list[Record] = []
        self.root = self.span(name, "agent", start_us, own.pop("dur_us", SECOND), trace=own, **self._taken(own))

    @staticmethod
    def _taken(own: dict[str, Any]) -> dict[str, Any]:
        return {
            key: own.pop(key) for key in ("status", "error", "input", "output", "metadata", "parent_id") if key in own
        }

    def span(self, name: str, type: str, start_us: int, dur_us: int | None, **fields: Any) -> str:
        """Its id. `dur_us` None: it runs."""
        id = self._id(start_us)
        is_running = dur_us is None
        record = {
            "k": "span", "id": id, "trace_id": self.id, "ver": 1 if is_running else 2, "project": self.project,
            "name": name, "type": type, "start_us": start_us, "end_us": None if dur_us is None else start_us + dur_us,
            "status": "running" if is_running else "ok", "parent_id": None, **fields,
        }  # fmt: skip
        self.records.append(record)
        return id

    def _id(self, us: int) -> str:
        value = ((us // 1000) << 80) | (7 << 76) | (self._random.getrandbits(12) << 64) | (2 << 62)
        return str(UUID(int=value | self._random.getrandbits(62)))


def chat_input(question: str) -> Record:
    """A request with everything a chat can hold before its answer."""
    return {
        "messages": [
            {"role": "system", "content": "You answer questions about orders. Cite the policy you used.\n\n" + _POLICY},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello! How can I help you with your order?"},
            {"role": "user", "content": question},
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "The refund window depends on the region. I look at the order first.",
                "tool_calls": [
                    {"id": "c1", "type": "function",
                     "function": {"name": "get_order", "arguments": '{"order_id": 48213, "include": ["items", "payments"]}'}},
                    {"id": "c2", "type": "function",
                     "function": {"name": "search_policy", "arguments": '{"query": "refund window EU"}'}},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": json.dumps(
                {"order_id": 48213, "region": "EU", "total": 249.0, "delivered": "2026-10-30",
                 "items": [{"sku": f"SKU-{n}", "qty": 1 + n % 3, "price": 19.5 + n} for n in range(4)]})},
            {"role": "tool", "tool_call_id": "c2", "content": "policy.md:12 Orders in the EU: 30 days. Above 200: a manager approves."},
        ],
        "temperature": 0.2,
        "tools": [
            {"type": "function", "function": {"name": name, "description": what, "parameters": {"type": "object"}}}
            for name, what in (("get_order", "One order."), ("search_policy", "Passages of the handbook."))
        ],
    }  # fmt: skip


_POLICY = "\n".join(f"- Rule {n}: never promise what the policy does not say." for n in range(1, 9))
ANSWER = """Here is what I found.

### Findings

1. The refund window is **30 days** (`policy.md:12`).
2. Orders over €200 need a *manager's* approval.

| region | window | approval |
|--------|-------:|----------|
| EU     |   30 d | > €200   |
| US     |   45 d | > $250   |

```python
def eligible(order, today):
    # 30 days, inclusive
    return (today - order.delivered).days <= 30
```

> Quoted from the handbook.
"""
_TRACEBACK = """Traceback (most recent call last):
  File "/app/agent/steps.py", line 88, in run_step
    return await tool(**arguments)
  File "/usr/lib/python3.12/site-packages/httpx/_client.py", line 1540, in send
    raise ConnectTimeout(message)
  File "/app/agent/tools/search.py", line 31, in web_search
    response = await client.get(url, timeout=5)
httpx.ConnectTimeout: upstream did not answer within 5 s
"""
ERROR = {"type": "httpx.ConnectTimeout", "message": "upstream did not answer within 5 s", "traceback": _TRACEBACK}
_MODELS = ("gpt-5.2-mini", "claude-sonnet-5", "gemini-3-flash")
_TOOLS = ("web_search", "read_file", "sql_query", "sandbox.run")


def agent_run(project: str, spans: int, *, start_us: int, seed: int = 1, **own: Any) -> Made:
    """An agent's run of about so many spans: steps with planning, tools, retrieval, and some errors."""
    made = Made("research_agent.run", project, start_us=start_us, seed=seed, input={"question": "Can order #48213 still be refunded?"}, output=ANSWER, **own)  # fmt: skip
    rng = random.Random(seed)
    at, step = start_us + 2000, 0
    while len(made.records) < spans:
        step += 1
        at = _step(made, rng, step, at)
    made.records[0]["end_us"] = at
    return made


def _step(made: Made, rng: random.Random, number: int, at: int) -> int:
    parent = made.span(f"step {number}", "chain", at, 0, parent_id=made.root)
    of_step = made.records[-1]
    at += rng.randint(200, 4000)
    at = _model_call(made, rng, "planner.chat", parent, at)
    retrieval = made.span(
        "retrieve_docs",
        "retriever",
        at,
        rng.randint(80_000, 400_000),
        parent_id=parent,
        input={"query": "refund window"},
    )
    made.span(
        "embed", "embedding", at + 500, 30_000, parent_id=retrieval, model="text-embedding-4", usage={"input": 12}
    )
    at += 420_000
    for _ in range(rng.randint(1, 3)):
        took = rng.randint(200_000, 2_400_000)
        failed = rng.random() < 0.06
        more = {"status": "error", "error": ERROR} if failed else {"output": {"rows": rng.randint(1, 90)}}
        tool = made.span(rng.choice(_TOOLS), "tool", at, took, parent_id=parent, input={"q": "orders of Q3"}, **more)
        made.span("sandbox.spawn", "tool", at + 1000, took // 4, parent_id=tool)
        at = _model_call(made, rng, "summarise.chat", tool, at + took // 3) if rng.random() < 0.3 else at + took
    made.span("guard.output_check", "guardrail", at, 15_000, parent_id=parent)
    at += 20_000
    of_step["end_us"] = at
    return at


def _model_call(made: Made, rng: random.Random, name: str, parent: str, at: int) -> int:
    took = rng.randint(600_000, 6_000_000)
    usage = {"input": rng.randint(900, 7000), "input_cached": rng.randint(0, 900), "output": rng.randint(60, 900)}
    answer = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}]}
    made.span(
        name, "llm", at, took, parent_id=parent, model=rng.choice(_MODELS), provider="openai",
        first_token_us=at + took // 5, usage=usage, usage_raw={"prompt_tokens": usage["input"]},
        total_cost=round(usage["input"] * 4e-7 + usage["output"] * 2e-6, 7),
        input=chat_input("Can order #48213 still be refunded?"), output=answer,
        metadata={"temperature": 0.2, "http.status": 200, "authorization": "Bearer sk-very-secret"},
    )  # fmt: skip
    return at + took + 3000


def post(server: str, records: Iterable[Record], *, size: int = 2000) -> None:
    """To the native route, as clients do; nothing may be refused."""
    for batch in _batches(records, size):
        body = b"\n".join(json.dumps(record).encode() for record in batch)
        request = urllib.request.Request(
            f"{server}/api/v1/ingest", data=body, method="POST", headers={"Content-Type": "application/x-ndjson"}
        )
        with urllib.request.urlopen(request) as answer:
            told = json.load(answer)
        assert not told["rejected"], told["rejected"][:3]


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
