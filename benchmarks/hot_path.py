"""CPU of the calling thread per span, beside a bare OpenTelemetry span with json.dumps. Run it: make bench

The work is a root and three children (four spans) that get the same input, new for each root. Every variant runs in
processes of its own, interleaved over the rounds, so that a noisy machine disturbs all alike. Judge the ratio; the
microseconds are this machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPANS = 4
ROOT = Path(__file__).resolve().parents[1]
TEXT = "\n".join(
    (ROOT / name).read_text(encoding="utf-8") for name in ("LICENSE", "benchmarks/hot_path.py")
)  # prose and code


def chat(size: int, salt: int) -> list[Any]:
    """Messages of some 430 bytes, none of them seen before."""
    starts = [(salt * 997 + i * 431) % (len(TEXT) - 400) for i in range(size)]
    return [
        {
            "role": ("user", "assistant")[i % 2],
            "content": [{"type": "text", "text": f"{salt} {i} {TEXT[start : start + 350]}"}],
        }
        for i, start in enumerate(starts)
    ]


INPUTS: dict[str, Callable[[int], Any]] = {
    "200 B": lambda salt: f"{salt} {TEXT[salt : salt + 200]}"[:200],
    "10 KB": lambda salt: chat(21, salt),
    "50 KB": lambda salt: chat(105, salt),
}
ROOTS = {"200 B": 4000, "10 KB": 1500, "50 KB": 400}

Decorate = Callable[[Callable[..., Any]], Callable[..., Any]]


def bare() -> Decorate:
    return lambda function: function


def trailmark_on() -> Decorate:
    import trailmark

    return trailmark.track


def trailmark_off() -> Decorate:
    os.environ["TRAILMARK_TRACK_DISABLE"] = "true"
    return trailmark_on()


def otel() -> Decorate:
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("bench")

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def traced(value: Any) -> Any:
            with tracer.start_as_current_span(function.__name__) as span:
                span.set_attribute("input", json.dumps(value))
                result = function(value)
                span.set_attribute("output", json.dumps(result))
                return result

        return traced

    return decorate


VARIANTS = {f.__name__: f for f in (bare, otel, trailmark_on, trailmark_off)}


def work(decorate: Decorate) -> Callable[[Any], Any]:
    @decorate
    def child(value: Any) -> dict[str, Any]:
        return {"answer": "ok", "n": len(value)}

    @decorate
    def root(value: Any) -> dict[str, Any]:
        child(value)
        child(value)
        return child(value)  # type: ignore[no-any-return]

    return root


def measure(variant: str) -> dict[str, float]:
    """p50 of the thread's CPU microseconds per root, by size of input."""
    root = work(VARIANTS[variant]())
    clock, found = time.thread_time_ns, {}
    for size, make in INPUTS.items():
        for n in range(200):
            root(make(n))
        took = []
        for n in range(ROOTS[size]):
            value = make(1000 + n)
            start = clock()
            root(value)
            took.append(clock() - start)
        found[size] = statistics.median(took) / 1000
    return found


def run_alone(name: str) -> dict[str, float]:
    """One variant in a process and a home of its own."""
    with tempfile.TemporaryDirectory(prefix="trailmark-bench-") as home:
        environ = {**os.environ, "TRAILMARK_HOME": home, "TRAILMARK_QUIET": "true"}
        command = [sys.executable, __file__, "--only", name]
        found: dict[str, float] = json.loads(subprocess.check_output(command, env=environ))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        print(json.dumps(measure(given.only)))
        return
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for _ in range(given.rounds):
        for name in VARIANTS:
            runs[name].append(run_alone(name))
    print(f"CPU µs per span in the calling thread, p50, best of {given.rounds} rounds; open record and disk included")
    print(f"{'input':8}{'otel + json':>13}{'trailmark':>11}{'ratio':>8}{'disabled':>11}")
    for size in INPUTS:
        best = {name: min(run[size] for run in runs[name]) for name in VARIANTS}
        cost = {name: (best[name] - best["bare"]) / SPANS for name in VARIANTS}
        ratio = cost["trailmark_on"] / cost["otel"]
        print(f"{size:8}{cost['otel']:13.1f}{cost['trailmark_on']:11.1f}{ratio:8.2f}{cost['trailmark_off']:11.2f}")


if __name__ == "__main__":
    main()
