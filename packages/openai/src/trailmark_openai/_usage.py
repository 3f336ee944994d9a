"""OpenAI's overlapping token counts → parts that add up. Pure."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["usage_parts"]

_INPUT: Final = (("input_cached", "cached_tokens"), ("input_cache_write", "cache_write_tokens"))
_OUTPUT: Final = (("output_reasoning", "reasoning_tokens"),)


def usage_parts(usage: dict[str, Any]) -> dict[str, int]:
    """Cached and audio tokens are counted inside OpenAI's input, reasoning and audio inside its output: taken out here.

    The parts never add up to more than the whole they came from, whatever a server says.
    """
    get = usage.get
    parts: dict[str, int] = {}
    details = get("prompt_tokens_details") or get("input_tokens_details") or get("input_token_details")
    _split(parts, get("prompt_tokens") or get("input_tokens"), details, "input", "input_audio", _INPUT)
    details = get("completion_tokens_details") or get("output_tokens_details") or get("output_token_details")
    _split(parts, get("completion_tokens") or get("output_tokens"), details, "output", "output_audio", _OUTPUT)
    return parts


def _split(
    parts: dict[str, int], total: Any, details: Any, rest: str, audio: str, inner: tuple[tuple[str, str], ...]
) -> None:
    if type(total) is not int or total <= 0:
        return
    if type(details) is dict:
        for part, key in (*inner, (audio, "audio_tokens")):
            n = details.get(key)
            if n and type(n) is int and n > 0:
                parts[part] = n = min(n, total)
                total -= n
                if not n:
                    del parts[part]
    if total:
        parts[rest] = total
