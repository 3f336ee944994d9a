"""Made-up traces of five kinds of application, as checked native records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from trailmark_server.seed.texts import Texts

__all__ = ["traces"]

MODELS: Final = (  # name, provider, USD per input and output token
    ("gpt-4o-mini", "openai", 0.15e-6, 0.6e-6), ("gpt-4o", "openai", 2.5e-6, 10e-6), ("gpt-4.1", "openai", 2e-6, 8e-6),
    ("claude-sonnet-4-5", "anthropic", 3e-6, 15e-6), ("claude-haiku-4-5", "anthropic", 1e-6, 5e-6),
    ("gemini-2.5-flash", "google", 0.3e-6, 2.5e-6), ("my-finetune-7b", "vllm", None, None),
)  # fmt: skip
ERRORS: Final = (
    ("RateLimitError", "Error code: 429 - Rate limit reached for requests"),
    ("TimeoutError", "the request took longer than 30 s"),
    ("ValidationError", "1 validation error for Answer: field required"),
    ("ValueError", "could not convert string to float: 'n/a'"),
)
TOOLS: Final = ("web_search", "get_weather", "lookup_order", "run_sql", "send_email", "calculator")
TAGS: Final = ("chat", "rag", "nightly", "beta", "internal", "experiment-a", "experiment-b")
BIG: Final = 1_000  # spans of the one large trace in every 50,000


@dataclass(slots=True)
class _Trace:
    """One trace while it is made: a clock that only goes forward, and its records."""

    random: Random
    texts: Texts
    project: str
    at_us: int
    id: str = ""
    records: list[dict[str, Any]] = field(default_factory=list)
    failed: bool = False

    def new_id(self) -> str:
        bits = self.random.getrandbits(74)
        low = f"{bits & 0x3FFFFFFFFFFFFFFF | 0x8000000000000000:016x}"
        head = f"{self.at_us // 1000:012x}"
        return f"{head[:8]}-{head[8:]}-7{bits >> 62:03x}-{low[:4]}-{low[4:]}"

    def span(
        self, name: str, type: str, parent: str | None, body: Callable[[str], None] | None = None, *, ms: float = 20,
        **fields: Any,
    ) -> str:  # fmt: skip
        """A span around what `body` adds to it, given its id."""
        record: dict[str, Any] = {
            "k": "span", "id": self.new_id(), "ver": 2, "trace_id": self.id, "parent_id": parent,
            "project": self.project, "name": name, "type": type, "start_us": self.at_us, "status": "ok", "cost": None,
        }  # fmt: skip
        self.records.append(record)
        self.at_us += int(ms * 300 * self.random.random())
        if body is not None:
            body(record["id"])
        self.at_us += max(1, int(ms * 1000 * self.random.lognormvariate(0, 0.6)))
        record["end_us"] = self.at_us
        record.update(fields)
        return str(record["id"])

    def llm(self, parent: str | None, question: str, *, ms: float = 900, tools: bool = False) -> str:
        """A chat call with its messages, tokens and cost. Returns the answer."""
        random, texts = self.random, self.texts
        model, provider, price_in, price_out = MODELS[int(random.random() ** 1.6 * len(MODELS))]
        answer = texts.text(random, int(random.lognormvariate(5.6, 0.6)))
        system = texts.text(random, 300 if random.random() < 0.97 else 12_000)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        message: dict[str, Any] = {"role": "assistant", "content": answer}
        if tools:
            arguments = f'{{"query": "{texts.rare(random)}"}}'
            message["tool_calls"] = [
                {"id": "call_1", "type": "function",
                 "function": {"name": random.choice(TOOLS), "arguments": arguments}}
            ]  # fmt: skip
        usage = {"input": (len(system) + len(question)) // 4, "output": len(answer) // 4 + 1}
        if random.random() < 0.2:
            usage["input_cached"] = usage["input"] // 2
            usage["input"] -= usage["input_cached"]
        tin = usage["input"] + usage.get("input_cached", 0)
        cost = None if price_in is None or price_out is None else tin * price_in + usage["output"] * price_out
        first = self.at_us + int(ms * 250 * random.lognormvariate(0, 0.5))
        self.span(
            "chat.completions", "llm", parent, ms=ms, model=model, provider=provider, usage=usage, total_cost=cost,
            cost=cost, first_token_us=first, input={"model": model, "messages": messages, "temperature": 0.2},
            output={"choices": [{"index": 0, "finish_reason": "stop", "message": message}]},
            metadata={"temperature": 0.2, "stream": random.random() < 0.5},
        )  # fmt: skip
        return answer

    def tool(self, parent: str | None, *, ms: float = 120) -> None:
        random = self.random
        name = random.choice(TOOLS)
        error: dict[str, Any] = {}
        if random.random() < 0.03:
            kind, message = random.choice(ERRORS)
            trace = f'Traceback (most recent call last):\n  File "app.py", line 7, in {name}\n{kind}: {message}'
            error = {"status": "error", "error": {"type": kind, "message": message, "traceback": trace}}
            self.failed = random.random() < 0.5
        found = {"rows": [{"id": random.randint(1, 10**6), "text": self.texts.text(random, 200)} for _ in range(3)]}
        self.span(
            name, "tool", parent, ms=ms, input={"query": self.texts.text(random, 60), "limit": 3}, output=found, **error
        )

    def retrieve(self, parent: str | None, question: str) -> None:
        documents = [
            {"id": f"doc-{self.random.randint(1, 5000)}", "score": round(self.random.random(), 3),
             "text": self.texts.text(self.random, 350)} for _ in range(4)
        ]  # fmt: skip

        def inside(id: str) -> None:
            self.span("embeddings", "embedding", id, ms=40, model="text-embedding-3-small", provider="openai",
                      usage={"input": len(question) // 4 + 1}, total_cost=1e-7, cost=1e-7, input=question)  # fmt: skip

        self.span("retrieve", "retriever", parent, inside, ms=60, input=question, output=documents)


def traces(spans: int, *, seed: int, start_us: int, until_us: int) -> Iterator[list[dict[str, Any]]]:
    """Records trace by trace, evenly over the time."""
    random, texts = Random(seed), Texts(seed)  # noqa: S311 - nothing secret
    made, number, open_threads = 0, 0, dict[str, list[tuple[str, str]]]()
    while made < spans:
        at_us = int(start_us + (until_us - start_us) * min(0.999, made / spans)) + random.randint(0, 30_000_000)
        is_big = number % (50_000 // 8) == 5 and spans >= 10_000
        kind = "batch-eval" if is_big else random.choices(tuple(_KINDS), weights=(30, 25, 25, 12, 8))[0]
        trace = _Trace(random, texts, kind, at_us)
        trace.id = trace.new_id()
        _KINDS[kind](trace, BIG if is_big else 0)
        _finish(trace, number, open_threads)
        yield trace.records
        made += len(trace.records)
        number += 1


def _finish(trace: _Trace, number: int, open_threads: dict[str, list[tuple[str, str]]]) -> None:
    """What the root says of the trace as a whole."""
    random, root = trace.random, trace.records[0]
    if trace.failed:
        kind, message = random.choice(ERRORS)
        root |= {"status": "error", "error": {"type": kind, "message": message, "traceback": None}, "output": None}
    elif random.random() < 0.01:
        root["status"] = "cancelled"
    own: dict[str, Any] = {
        "tags": random.sample(TAGS, k=random.choice((0, 1, 1, 2))),
        "environment": random.choice(("prod", "prod", "dev")),
        "metadata": {
            "tier": random.choice(("free", "free", "pro", "team")),
            "release": f"1.{number // 2000}.{random.randint(0, 3)}",
            "customer": {"id": f"c-{random.randint(1, 20_000)}", "seats": random.randint(1, 500)},
            "attempt": random.choice((1, 1, 1, 2)),
        },
    }  # fmt: skip
    if random.random() < 0.001:
        own["tags"].append("vip")
    if trace.project in ("support-agent", "chat-assistant"):
        own["thread_id"], own["user_id"] = _conversation(random, number, open_threads.setdefault(trace.project, []))
    if random.random() < 0.3:
        own["scores"] = _scores(random, failed=trace.failed)
    root["trace"] = own


def _conversation(random: Random, number: int, talks: list[tuple[str, str]]) -> tuple[str, str]:
    if not talks or random.random() < 0.25:
        talks.append((f"thread-{number}", f"user-{int(random.random() ** 2 * 2000)}"))
        del talks[:-20]
    return random.choice(talks)


def _scores(random: Random, *, failed: bool) -> list[dict[str, Any]]:
    quality = round(random.betavariate(2, 5) if failed else random.betavariate(8, 2), 3)
    found: list[dict[str, Any]] = [{"name": "quality", "value": quality, "label": None, "reason": "judged by a model"}]
    if random.random() < 0.5:
        found.append({"name": "verdict", "value": None, "label": "good" if quality > 0.6 else "bad", "reason": None})
    if random.random() < 0.3:
        found.append({"name": "thumbs_up", "value": quality > 0.5, "label": None, "reason": None})
    return found


def _support(trace: _Trace, _: int) -> None:
    """An agent that looks things up and answers; now and then it asks another."""
    order = f"order-{trace.random.randint(100_000, 999_999)}"
    question = f"{trace.texts.text(trace.random, 120)} {order} {trace.texts.rare(trace.random)}"
    answers: list[str] = []

    def rounds(id: str) -> None:
        for n in range(trace.random.choice((1, 2, 2, 3))):
            answers.append(trace.llm(id, question, tools=True))
            trace.tool(id)
            if n == 1 and trace.random.random() < 0.5:
                trace.span("billing-agent", "agent", id, rounds_of_another, input=question)
        answers.append(trace.llm(id, question))

    def rounds_of_another(id: str) -> None:
        trace.tool(id)
        trace.llm(id, question)

    root = trace.span("support", "agent", None, rounds, ms=5, input={"question": question})
    assert root
    trace.records[0]["output"] = answers[-1]


def _rag(trace: _Trace, _: int) -> None:
    """A chain: guardrail, retrieval, prompt, answer."""
    question = f"{trace.texts.text(trace.random, 80)} {trace.texts.rare(trace.random)}"
    answers: list[str] = []

    def chain(id: str) -> None:
        trace.span("check input", "guardrail", id, ms=8, input=question, output={"allowed": True})
        trace.retrieve(id, question)
        trace.span(
            "prompt", "chain", id, ms=1, input={"question": question}, output=trace.texts.text(trace.random, 400)
        )
        answers.append(trace.llm(id, question))

    trace.span("RetrievalQA", "chain", None, chain, ms=3, input={"query": question})
    trace.records[0]["output"] = {"result": answers[-1]}


def _assistant(trace: _Trace, _: int) -> None:
    """A web request around one call."""
    question = trace.texts.text(trace.random, 150)
    answers: list[str] = []

    def handle(id: str) -> None:
        answers.append(trace.llm(id, question, ms=1500))

    trace.span("POST /chat", "general", None, handle, ms=4, input={"message": question})
    trace.records[0]["output"] = {"reply": answers[-1]}


def _research(trace: _Trace, _: int) -> None:
    """A planner with workers, three levels deep."""
    topic = trace.texts.text(trace.random, 100)

    def worker(id: str) -> None:
        for _ in range(trace.random.choice((1, 2, 3))):
            trace.tool(id)
            trace.llm(id, topic)

    def plan(id: str) -> None:
        trace.llm(id, topic)
        for _ in range(trace.random.choice((2, 3, 4))):
            trace.span("worker", "agent", id, worker, ms=2, input=topic, output=trace.texts.text(trace.random, 300))
        trace.llm(id, topic, ms=4000)

    trace.span(
        "research", "agent", None, plan, ms=10, input={"topic": topic}, output=trace.texts.text(trace.random, 800)
    )


def _evaluation(trace: _Trace, size: int) -> None:
    """A batch of cases, each judged; one of them is very large."""

    def case(id: str) -> None:
        answer = trace.llm(id, trace.texts.text(trace.random, 100), ms=300)
        trace.llm(id, f"Judge: {answer}", ms=200)

    def cases(id: str) -> None:
        while len(trace.records) < (size or trace.random.choice((4, 7, 10, 16))) - 2:
            trace.span("case", "chain", id, case, ms=1, input={"case": len(trace.records)}, output={"passed": True})

    trace.span("evaluate", "chain", None, cases, ms=2, input={"suite": "regression"}, output={"done": True})


_KINDS: Final[dict[str, Callable[[_Trace, int], None]]] = {
    "support-agent": _support, "rag": _rag, "chat-assistant": _assistant, "research": _research,
    "batch-eval": _evaluation,
}  # fmt: skip
