"""What tracing adds to an OpenAI call, beside opik, langfuse and openinference in one run. Run it: make bench-openai

CPU of the calling thread. The SDK is the real one, its transport answers from memory: what is left is the client's own
work and the tracer's. Every variant runs in processes of its own, interleaved over the rounds. Judge the differences
and ratios; the microseconds are this machine's.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import beside

PEERS = ("opik", "langfuse", "openinference-instrumentation-openai", "opentelemetry-sdk")
CALLS, STREAMS, SHORT, LONG = 400, 60, 20, 220
ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is the capital of France? " * 6}]}
HEAD = {"id": "chatcmpl-1", "created": 1700000000, "model": "gpt-4o-mini-2024-07-18", "system_fingerprint": "fp_1"}
USAGE = {"prompt_tokens": 50, "completion_tokens": 200, "total_tokens": 250}
JSON = {"content-type": "application/json", "x-request-id": "req_1"}
SSE = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_1"}


def _same(client: Any) -> Any:
    return client


def _trailmark() -> Callable[[Any], Any]:
    from trailmark_openai import track_openai

    return track_openai


def _opik() -> Callable[[Any], Any]:
    return functools.partial(import_module("opik.integrations.openai").track_openai, project_name="bench")


def _langfuse() -> Callable[[Any], Any]:
    import_module("langfuse.openai")  # wraps the SDK's classes
    return _same


def _openinference() -> Callable[[Any], Any]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:  # noqa: ARG002
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    import_module("openinference.instrumentation.openai").OpenAIInstrumentor().instrument(tracer_provider=provider)
    return _same


VARIANTS: dict[str, Callable[[], Callable[[Any], Any]]] = {
    "bare": lambda: _same,
    "trailmark": _trailmark,
    "openinference": _openinference,
    "langfuse": _langfuse,
    "opik": _opik,
}


def _pieces(words: int) -> list[bytes]:
    deltas = [{"role": "assistant", "content": ""}, *({"content": f" word{n}"} for n in range(words)), {}]
    chunks = [
        {
            **HEAD,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None if delta else "stop"}],
            "usage": None,
        }
        for delta in deltas
    ]
    chunks.append({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
    return [*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks), b"data: [DONE]\n\n"]


def _client() -> Any:
    import httpx2
    import openai

    message = {"role": "assistant", "content": "The capital of France is Paris. " * 6, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    whole = json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()
    streams = {words: _pieces(words) for words in (SHORT, LONG)}

    class Pieces(httpx2.SyncByteStream):
        def __init__(self, pieces: list[bytes]) -> None:
            self.pieces = pieces

        def __iter__(self) -> Iterator[bytes]:
            yield from self.pieces

    def answer(request: httpx2.Request) -> httpx2.Response:
        if words := request.headers.get("x-words"):
            return httpx2.Response(200, headers=SSE, stream=Pieces(streams[int(words)]))
        return httpx2.Response(200, headers=JSON, content=whole)

    transport = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key="none", base_url="http://bench.example/v1", http_client=transport)


def measure(variant: str) -> dict[str, float]:
    """p50 of the thread's CPU per call, per chunk, and of the time to the first word, in microseconds."""
    client = VARIANTS[variant]()(_client())
    create = client.chat.completions.create
    asked = {**ASK, "stream": True, "stream_options": {"include_usage": True}}

    def stream(words: int) -> float:
        start = time.perf_counter_ns()
        first = 0
        for chunk in create(**asked, extra_headers={"x-words": str(words)}):
            if not first and chunk.choices[0].delta.content:
                first = time.perf_counter_ns() - start
        return first / 1000

    def median(act: Callable[[], Any], times: int) -> float:
        took = []
        for _ in range(times + times // 5):
            start = time.thread_time_ns()
            act()
            took.append(time.thread_time_ns() - start)
        return statistics.median(took[times // 5 :]) / 1000

    found = {"call": median(lambda: create(**ASK), CALLS)}
    long, short = (median(lambda: stream(words), STREAMS) for words in (LONG, SHORT))  # noqa: B023 - used at once
    found["chunk"] = (long - short) / (LONG - SHORT)
    found["stream"] = short - SHORT * found["chunk"]
    found["first"] = statistics.median(stream(SHORT) for _ in range(STREAMS))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variants", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--only", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        beside.tell(measure(given.only))
    python = beside.environment("peers", ["openai>=3", *PEERS], ["core", "openai"])
    names = list(dict.fromkeys(["bare", *given.variants]))
    best = beside.best_of(given.rounds, names, __file__, python)
    print(f"added CPU µs in the calling thread, best p50 of {given.rounds} rounds; bare is the client's own")
    print(f"{'':15}{'call':>9}{'stream':>9}{'chunk':>9}{'first word (wall)':>20}")
    for name in names:
        cost = {key: best[name][key] - (best["bare"][key] if name != "bare" else 0) for key in best[name]}
        print(f"{name:15}{cost['call']:9.0f}{cost['stream']:9.0f}{cost['chunk']:9.2f}{cost['first']:20.0f}")


if __name__ == "__main__":
    main()
