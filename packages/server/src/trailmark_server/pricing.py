"""What a span cost: its own word, the user's prices, or genai-prices'. Never asked in the traced program. Pure."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final

__all__ = ["MAX_COST", "PARTS", "Price", "cost_of", "priced"]

MAX_COST: Final = 1e12  # of a span; sums of it stay numbers
PARTS: Final = (
    "input", "input_cached", "input_cache_write", "input_audio", "output", "output_reasoning", "output_audio",
)  # fmt: skip
_PROVIDERS: Final = {"xai": "x-ai", "vertex": "google", "bedrock": "aws"}
_LOCAL: Final = frozenset({"ollama", "lmstudio", "vllm", "llama.cpp", "local"})  # nobody sends a bill
_HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """A user's own price: USD for a million tokens of each part; a part without one costs what its side does.

    `model` may have `*`; an empty `provider` is any.
    """

    model: str
    provider: str = ""
    parts: Mapping[str, float] | None = None

    def fits(self, provider: str | None, model: str) -> bool:
        """Whether it is for this model there."""
        return fnmatchcase(model.lower(), self.model.lower()) and self.provider.lower() in (
            "",
            (provider or "").lower(),
        )

    def cost(self, usage: Mapping[str, int]) -> float:
        """Of a usage whose parts add up."""
        parts = self.parts or {}
        return sum(n * parts.get(part, parts.get(part.partition("_")[0], 0.0)) for part, n in usage.items()) / 1e6


def priced(record: dict[str, Any], prices: Sequence[Price] = ()) -> dict[str, Any]:
    """The record with `cost` in USD: what it says itself, or what its usage costs; None when nobody knows."""
    cost = record.get("total_cost")
    if cost is None and (usage := record.get("usage")) and (model := record.get("model")):
        cost = cost_of(record.get("provider"), model, usage, record.get("start_us"), prices)
    record["cost"] = cost
    return record


def cost_of(
    provider: str | None,
    model: str,
    usage: Mapping[str, int],
    start_us: int | None = None,
    prices: Sequence[Price] = (),
) -> float | None:
    """In USD, at the prices of that hour; None for a model without a price."""
    fitting = [price for price in prices if price.fits(provider, model)]
    if fitting:
        return max(fitting, key=_exactness).cost(usage)
    return _listed(provider, model, tuple(sorted(usage.items())), start_us and start_us // _HOUR_US)


def _exactness(price: Price) -> tuple[bool, int, bool]:
    return "*" not in price.model, len(price.model), bool(price.provider)


@functools.lru_cache(maxsize=4096)
def _listed(provider: str | None, model: str, usage: tuple[tuple[str, int], ...], hour: int | None) -> float | None:
    from genai_prices import Usage, calc_price

    parts = dict(usage)
    spent = Usage(  # genai-prices counts as providers do: parts inside of totals
        input_tokens=sum(n for part, n in usage if part.startswith("input")),
        output_tokens=sum(n for part, n in usage if part.startswith("output")),
        cache_read_tokens=parts.get("input_cached"),
        cache_write_tokens=parts.get("input_cache_write"),
        input_audio_tokens=parts.get("input_audio"),
        cache_audio_read_tokens=0,  # our parts do not overlap
        output_audio_tokens=parts.get("output_audio"),
        output_reasoning_tokens=parts.get("output_reasoning"),
    )
    when = datetime.fromtimestamp(hour * 3600, UTC) if hour else None
    for name in (_PROVIDERS.get(provider or "", provider), None):
        try:
            price = calc_price(spent, model_ref=model, provider_id=name, genai_request_timestamp=when)
        except (LookupError, ValueError, TypeError):  # no price: a proxy's name, perhaps, so by the model alone
            if name is None or name in _LOCAL:
                return None
        else:
            return float(price.total_price)
    return None
