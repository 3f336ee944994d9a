"""What a model's answer counts, in LangChain's words or its provider's → parts that add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

__all__ = ["usage_of"]

_INTO: Final = (
    "prompt_tokens", "input_tokens", "prompt_token_count", "prompt_eval_count", "inputTokenCount", "inputTokens",
    "input_token_count",
)  # fmt: skip
_OUT: Final = (
    "completion_tokens", "output_tokens", "candidates_token_count", "eval_count", "outputTokenCount", "outputTokens",
    "generated_token_count",
)  # fmt: skip
_INTO_DETAILS: Final = ("input_token_details", "prompt_tokens_details", "input_tokens_details")
_OUT_DETAILS: Final = ("output_token_details", "completion_tokens_details", "output_tokens_details")
_INSIDE_INPUT: Final = {  # counted in the input by whoever tells
    "cache_read": "input_cached",
    "cached_tokens": "input_cached",
    "cached_content_token_count": "input_cached",
    "cache_creation": "input_cache_write",
    "cache_write_tokens": "input_cache_write",
    "ephemeral_5m_input_tokens": "input_cache_write",
    "ephemeral_1h_input_tokens": "input_cache_write",
    "audio": "input_audio",
    "audio_tokens": "input_audio",
}
_INSIDE_OUTPUT: Final = {
    "reasoning": "output_reasoning",
    "reasoning_tokens": "output_reasoning",
    "audio": "output_audio",
    "audio_tokens": "output_audio",
}
_BESIDE: Final = {  # counted beside it
    "cache_read_input_tokens": "input_cached",
    "cacheReadInputTokens": "input_cached",
    "cache_creation_input_tokens": "input_cache_write",
    "cacheWriteInputTokens": "input_cache_write",
    "thoughts_token_count": "output_reasoning",
}
_HOLDERS: Final = ("token_usage", "usage", "usage_metadata", "amazon-bedrock-invocationMetrics")


def usage_of(message: Any, whole: Mapping[str, Any] | None) -> tuple[dict[str, int], dict[str, Any]] | None:
    """The parts and what was told; of an answer's message, or of the `whole` answer where the message tells none."""
    best: tuple[dict[str, int], dict[str, Any]] | None = None
    for told in _told(message, whole or {}):
        if isinstance(told, Mapping) and told and (parts := _parts(told)) and (not best or len(parts) > len(best[0])):
            best = parts, dict(told)  # older versions leave details out of LangChain's own words
    return best


def _told(message: Any, whole: Mapping[str, Any]) -> Iterator[Any]:
    """LangChain's own words first: they are the same for every provider."""
    yield getattr(message, "usage_metadata", None)
    told = getattr(message, "response_metadata", None) or {}
    for holder in _HOLDERS:
        yield told.get(holder)
    if "eval_count" in told:
        yield {key: told[key] for key in ("prompt_eval_count", "eval_count") if key in told}
    for holder in _HOLDERS:
        yield whole.get(holder)


def _parts(told: Mapping[str, Any]) -> dict[str, int]:
    parts: dict[str, int] = {}
    into, out = _details(told, _INTO_DETAILS), _details(told, _OUT_DETAILS)
    if "cached_content_token_count" in told:
        into = {**into, "cached_content_token_count": told["cached_content_token_count"]}
    _split(parts, told, _INTO, "input", into, _INSIDE_INPUT)
    _split(parts, told, _OUT, "output", out, _INSIDE_OUTPUT)
    for key, part in _BESIDE.items():
        if _is_count(count := told.get(key)):
            parts[part] = parts.get(part, 0) + count
    return parts


def _details(told: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any]:
    found: Any = next((told[name] for name in names if told.get(name)), {})
    return found if isinstance(found, Mapping) else {}


def _split(
    parts: dict[str, int],
    told: Mapping[str, Any],
    totals: tuple[str, ...],
    rest: str,
    details: Mapping[str, Any],
    inside: Mapping[str, str],
) -> None:
    total = next((told[name] for name in totals if _is_count(told.get(name))), 0)
    for key, count in details.items():
        part = inside.get(key.removeprefix("priority_").removeprefix("flex_"))
        if part is not None and _is_count(count) and (count := min(count, total)):
            parts[part] = parts.get(part, 0) + count
            total -= count
    if total:
        parts[rest] = total


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
