"""What a span cost, by genai-prices; never asked in the traced program."""

from __future__ import annotations

import functools
from typing import Any, Final

__all__ = ["priced"]

_PROVIDERS: Final = {"xai": "x-ai", "vertex": "google", "bedrock": "aws"}


def priced(record: dict[str, Any]) -> dict[str, Any]:
    """The record with `cost` in USD: what it says itself, or what its usage costs; None when nobody knows."""
    cost = record.get("total_cost")
    if cost is None and record.get("usage") and record.get("model"):
        cost = _cost(record.get("provider"), record["model"], tuple(sorted(record["usage"].items())))
    record["cost"] = cost
    return record


@functools.lru_cache(maxsize=4096)
def _cost(provider: str | None, model: str, usage: tuple[tuple[str, int], ...]) -> float | None:
    from genai_prices import Usage, calc_price

    parts = dict(usage)
    spent = Usage(
        input_tokens=sum(n for part, n in usage if part.startswith("input")),
        output_tokens=sum(n for part, n in usage if part.startswith("output")),
        cache_read_tokens=parts.get("input_cached"),
        cache_write_tokens=parts.get("input_cache_write"),
        input_audio_tokens=parts.get("input_audio"),
        output_audio_tokens=parts.get("output_audio"),
    )
    try:
        price = calc_price(spent, model_ref=model, provider_id=_PROVIDERS.get(provider or "", provider))
    except (LookupError, ValueError, TypeError):  # a model or provider without a price
        return None
    return float(price.total_price)
