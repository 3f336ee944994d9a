"""What calls cost: told, at the user's prices, or at genai-prices'; each token once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trailmark_server.ingest.opik import usage_parts
from trailmark_server.ingest.usage import partition
from trailmark_server.pricing import PARTS, Price, cost_of
from trailmark_server.store import Store, open_store, reprice
from typer.testing import CliRunner

from .conftest import START, new_id, span

Ingest = Callable[..., httpx2.Response]
MILLION = 1_000_000


def call(**fields: Any) -> dict[str, Any]:
    return span(type="llm", model="gpt-4o-mini", provider="openai", usage={"input": MILLION}, **fields)


def costs(store: Store, *records: dict[str, Any]) -> list[float | None]:
    with store.read() as reader:
        return [reader.trace(record["trace_id"])["trace"]["cost"] for record in records]


@pytest.mark.parametrize(
    ("provider", "model", "usage", "cost"),
    [
        ("openai", "gpt-4o-mini", {"input": MILLION}, 0.15),
        ("openai", "gpt-4o-mini", {"input_cached": MILLION}, 0.075),
        ("openai", "gpt-4o-mini", {"input": MILLION, "input_cached": MILLION}, 0.225),
        ("openai", "gpt-4o-mini", {"output": MILLION}, 0.6),
        ("openai", "gpt-4o-mini", {"output": MILLION // 2, "output_reasoning": MILLION // 2}, 0.6),
        ("anthropic", "claude-3-5-haiku-latest", {"input_cache_write": MILLION}, 1.0),
        ("google", "gemini-2.5-flash", {"input_audio": MILLION}, 1.0),
        ("google", "gemini-2.5-flash", {"input_audio": MILLION, "input_cached": MILLION}, 1.03),
        ("llm.example.com", "gpt-4o-mini", {"input": MILLION}, 0.15),
        (None, "gpt-4o-mini", {"input": MILLION}, 0.15),
        ("ollama", "gpt-4o-mini", {"input": MILLION}, None),
        ("openai", "no-such-model", {"input": MILLION}, None),
        ("openai", "gpt-4o-mini", {"strange_part": MILLION}, 0.0),
    ],
)
def test_a_token_costs_what_its_part_costs(
    provider: str | None, model: str, usage: dict[str, int], cost: float | None
) -> None:
    assert cost_of(provider, model, usage) == (cost if cost is None else pytest.approx(cost))


COUNTS = st.integers(0, MILLION)


@given(
    total=COUNTS, output=COUNTS, cached=COUNTS, written=COUNTS, audio=COUNTS, reasoning=COUNTS
)  # fmt: skip
def test_parts_add_up_to_the_totals_or_to_themselves(
    total: int, output: int, cached: int, written: int, audio: int, reasoning: int
) -> None:
    inside = {"input_cached": cached, "input_cache_write": written, "input_audio": audio}
    parts = partition(total, output, inner_input=inside, inner_output={"output_reasoning": reasoning})
    assert set(parts) <= set(PARTS)
    sides = {side: sum(n for part, n in parts.items() if part.startswith(side)) for side in ("input", "output")}
    inner = cached + written + audio
    assert sides["input"] == (total if inner <= total else total + inner)
    assert sides["output"] == (output if reasoning <= output else output + reasoning)


@pytest.mark.parametrize("odd", [None, "many", -3, 0.5, float("nan"), True, 2**60, [], {}])
def test_what_is_no_count_counts_nothing(odd: Any) -> None:
    assert partition(odd, 5, inner_input={"input_cached": odd}, inner_output={}) == {"output": 5}
    assert usage_parts({"prompt_tokens": odd, "completion_tokens": 5, "total_tokens": odd}) == {"output": 5}


def test_opiks_counts_of_every_provider_are_parted() -> None:
    raw = "original_usage"
    base = {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16}
    anthropic = {f"{raw}.cache_read_input_tokens": 4, f"{raw}.cache_creation_input_tokens": 2}
    google = {f"{raw}.cached_content_token_count": 4, f"{raw}.thoughts_token_count": 5}
    assert usage_parts(base | anthropic) == {"input": 4, "input_cached": 4, "input_cache_write": 2, "output": 6}
    assert usage_parts(base | google) == {"input": 6, "input_cached": 4, "output": 1, "output_reasoning": 5}


def test_the_users_price_comes_before_the_lists_and_the_exact_one_before_patterns(store: Store, ingest: Ingest) -> None:
    for price in (
        Price("*", parts={"input": 1}),
        Price("gpt-4o*", parts={"input": 2, "output": 4, "input_cached": 0.5}),
        Price("gpt-4o-mini", "azure", {"input": 9}),
    ):
        store.write(lambda writer, price=price: writer.set_price(price))
    ours, azure, other = call(), {**call(), "provider": "azure"}, {**call(), "model": "mine"}
    parts = {**call(), "usage": {"input_cached": MILLION, "output_reasoning": MILLION}}
    ingest(ours, azure, other, parts)
    assert costs(store, ours, azure, other, parts) == [2, 9, 1, 4.5]
    assert store.write(lambda writer: writer.drop_price("*"))
    assert not store.write(lambda writer: writer.drop_price("*"))
    with store.read() as reader:
        assert [(price.model, price.provider) for price in reader.prices()] == [
            ("gpt-4o*", ""),
            ("gpt-4o-mini", "azure"),
        ]


def test_repricing_changes_what_was_calculated_and_leaves_what_was_told(store: Store, ingest: Ingest) -> None:
    plain, told, free = call(), call(total_cost=0.5), {**call(), "model": "mine"}
    edited = call()
    edit = {"k": "patch", "id": new_id(), "ver": START, "project": "p", "trace_id": edited["trace_id"],
            "span_id": edited["id"], "changes": {"total_cost": 0.25}}  # fmt: skip
    ingest(plain, told, free, edited, edit)
    assert costs(store, plain, told, free, edited) == [pytest.approx(0.15), 0.5, None, 0.25]
    store.write(lambda writer: writer.set_price(Price("*", parts={"input": 3})))
    seen: list[tuple[int, int]] = []

    done = reprice(store, lambda at, total: seen.append((at, total)))

    assert costs(store, plain, told, free, edited) == [3, 0.5, 3, 0.25]
    assert (done.seen, done.changed) == (4, 2)
    assert (done.before, done.after) == (pytest.approx(0.9), pytest.approx(6.75))
    assert seen[-1][0] == seen[-1][1] > 0
    assert reprice(store).changed == 0


def test_repricing_goes_page_by_page(store: Store, ingest: Ingest) -> None:
    ingest(*(call(trace_id=new_id()) for _ in range(1100)))
    store.write(lambda writer: writer.set_price(Price("*", parts={"input": 3})))
    seen: list[int] = []
    assert reprice(store, lambda at, _: seen.append(at)).changed == 1100
    assert seen == sorted(seen)
    assert len(seen) == 3


@pytest.mark.parametrize("first", ["create", "update"])
def test_usage_that_comes_with_an_update_is_priced(http: httpx2.Client, store: Store, first: str) -> None:
    whole = {
        "id": new_id(),
        "trace_id": new_id(),
        "type": "llm",
        "model": "gpt-4o-mini",
        "start_time": "2026-01-01T00:00:00Z",
    }
    url = "/api/v1/private/spans"
    usage = {"trace_id": whole["trace_id"], "usage": {"prompt_tokens": MILLION, "total_tokens": MILLION}}
    steps = [lambda: http.post(url, json=whole), lambda: http.patch(f"{url}/{whole['id']}", json=usage)]
    for step in steps if first == "create" else reversed(steps):
        assert step().status_code < 300
    assert costs(store, whole) == [pytest.approx(0.15)]


def test_the_command_reprices_a_home_and_says_when_it_cannot(tmp_path: Path) -> None:
    from trailmark_server.cli import app

    run = CliRunner().invoke
    assert "nothing is stored" in str(run(app, ["reprice", "--home", str(tmp_path)]).exception)
    store = open_store(tmp_path / "trailmark.db")
    record = {**call(), "cost": 9.0}
    store.put([record])
    store.close()
    said = json.loads(run(app, ["reprice", "--home", str(tmp_path), "--json"]).output)
    assert (said["seen"], said["changed"], said["before"]) == (1, 1, 9.0)
    assert "0 of 1 calls cost something else: $0.1500 before" in run(app, ["reprice", "--home", str(tmp_path)]).output
