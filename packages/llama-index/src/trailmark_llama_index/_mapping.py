"""What LlamaIndex's models, retrievers and tools are, and what their answers count."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeGuard

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.tools import AsyncBaseTool, BaseTool

from trailmark_llama_index._values import readable

__all__ = ["answer_of", "kind_of", "model_of"]

_CALLS: Final = frozenset(
    f"{prefix}{name}" for name in ("chat", "complete", "chat_with_tools") for prefix in ("", "a", "stream_", "astream_")
)


def kind_of(instance: Any, method: str) -> str:
    """The type of span for a method of LlamaIndex."""
    return _kind_of(type(instance), method)  # type: ignore[arg-type]  # a class is hashable


@lru_cache(maxsize=1024)
def _kind_of(kind: type, method: str) -> str:
    """Once a class and method: asking pydantic's classes is slow."""
    if issubclass(kind, BaseLLM):
        return "llm" if method in _CALLS else "chain"
    if issubclass(kind, BaseEmbedding):
        return "embedding"
    if issubclass(kind, (BaseRetriever, BaseNodePostprocessor)):
        return "retriever"
    if issubclass(kind, (BaseTool, AsyncBaseTool)):
        return "tool"
    names = {each.__name__ for each in kind.__mro__}
    if method == "run" and not names.isdisjoint(("BaseWorkflowAgent", "AgentWorkflow")):
        return "agent"
    return "chain"


def model_of(instance: Any) -> dict[str, str]:
    """Model and provider of an LLM or embedding."""
    metadata = getattr(instance, "metadata", None) if isinstance(instance, BaseLLM) else None
    model = getattr(metadata, "model_name", None) or getattr(instance, "model_name", None)
    module = type(instance).__module__.split(".")
    found = {"model": model if isinstance(model, str) and model != "unknown" else None}
    if module[:2] == ["llama_index", "llms"] and len(module) > 2:
        found["provider"] = module[2]
    return {key: value for key, value in found.items() if value}


def answer_of(result: Any) -> dict[str, Any]:
    """Output and usage of a model's answer; of embeddings their number and dimensions, never the vectors."""
    if isinstance(result, list) and result and isinstance(result[0], (float, list)):
        vectors = result if isinstance(result[0], list) else [result]
        return {"output": {"embeddings": len(vectors), "dimensions": len(vectors[0])}}
    fields: dict[str, Any] = {"output": readable(result)}
    raw = getattr(result, "raw", None)
    usage = _plain(_get(raw, "usage")) or _plain(_get(raw, "usage_metadata"))
    if not usage and isinstance(more := getattr(result, "additional_kwargs", None), dict):
        usage = {key: more[key] for key in ("prompt_tokens", "completion_tokens", "total_tokens") if key in more}
    if usage:
        fields |= {"usage": _parts(usage), "usage_raw": usage}
    if isinstance(model := _get(raw, "model"), str) and model:
        fields["model"] = model
    return fields


def _get(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _plain(usage: Any) -> dict[str, Any] | None:
    if usage is None or isinstance(usage, dict):
        return usage
    dump = getattr(usage, "model_dump", None)
    return dump() if callable(dump) else None


def _parts(told: Mapping[str, Any]) -> dict[str, int]:
    """OpenAI counts cached tokens inside its input, Anthropic beside it; reasoning is inside the output."""
    parts: dict[str, int] = {}
    into = _plain(told.get("prompt_tokens_details") or told.get("input_tokens_details")) or {}
    out = _plain(told.get("completion_tokens_details") or told.get("output_tokens_details")) or {}
    _split(
        parts,
        told.get("prompt_tokens", told.get("input_tokens", told.get("prompt_token_count"))),
        "input",
        {"input_cached": into.get("cached_tokens"), "input_audio": into.get("audio_tokens")},
    )
    _split(
        parts,
        told.get("completion_tokens", told.get("output_tokens", told.get("candidates_token_count"))),
        "output",
        {"output_reasoning": out.get("reasoning_tokens"), "output_audio": out.get("audio_tokens")},
    )
    for part, key in (
        ("input_cached", "cache_read_input_tokens"),
        ("input_cache_write", "cache_creation_input_tokens"),
    ):
        if _is_count(count := told.get(key)):
            parts[part] = count
    return parts


def _split(parts: dict[str, int], total: Any, rest: str, inside: dict[str, Any]) -> None:
    if not _is_count(total):
        return
    for part, count in inside.items():
        if _is_count(count) and (count := min(count, total)):
            parts[part] = count
            total -= count
    if total:
        parts[rest] = total


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
