"""OpenInference's attributes → our fields. Pure."""

from __future__ import annotations

from typing import Any, Final

from trailmark_server.ingest.otlp_attributes import Attributes, parsed, score, text
from trailmark_server.ingest.otlp_messages import answered, asked, from_openinference
from trailmark_server.ingest.usage import partition
from trailmark_server.pricing import MAX_COST

__all__ = ["fields_of", "scores_of"]

KIND: Final = "openinference.span.kind"
_TYPES: Final = {
    "LLM": "llm", "TOOL": "tool", "RETRIEVER": "retriever", "EMBEDDING": "embedding", "AGENT": "agent",
    "CHAIN": "chain", "GUARDRAIL": "guardrail",
}  # fmt: skip
_COUNT: Final = "llm.token_count"


def fields_of(given: Attributes) -> dict[str, Any]:
    """What these attributes say of a span; taken from `given`."""
    kind = str(given.left.get(KIND, "")).upper()
    fields: dict[str, Any] = {}
    if kind in _TYPES:
        fields["type"] = _TYPES[kind]
        given.take(KIND)
    elif kind == "RERANKER":
        fields["type"] = "retriever"
    _take_values(given, fields)
    if given.has("llm.") or given.has("embedding."):
        _take_model(given, fields)
    if tree := given.take_tree("retrieval.documents"):
        fields["output"] = {"documents": _documents(tree)}
    if kind == "TOOL" and fields.get("input") is None:
        fields["input"] = parsed(given.take("tool.parameters"))
    if isinstance(more := parsed(given.left.get("metadata")), dict):
        given.take("metadata")
        fields["metadata"] = more
    return fields


def _take_values(given: Attributes, fields: dict[str, Any]) -> None:
    for side in ("input", "output"):
        value = given.take(f"{side}.value")
        mime = given.take(f"{side}.mime_type")
        if value is not None:
            fields[side] = parsed(value) if mime in ("application/json", None) else value


def _take_model(given: Attributes, fields: dict[str, Any]) -> None:
    model = given.take("llm.response.model_name", "llm.model_name", "llm.request.model_name", "embedding.model_name")
    fields["model"] = text(model)
    fields["provider"] = text(given.take("llm.provider", "llm.system"))
    details, done = f"{_COUNT}.prompt_details", f"{_COUNT}.completion_details"
    raw = {name[len(_COUNT) + 1 :]: value for name, value in given.left.items() if name.startswith(f"{_COUNT}.")}
    usage = partition(
        given.tokens(f"{_COUNT}.prompt"),
        given.tokens(f"{_COUNT}.completion"),
        inner_input={
            "input_cached": given.tokens(f"{details}.cache_read", f"{details}.cache_input"),
            "input_cache_write": given.tokens(f"{details}.cache_write"),
            "input_audio": given.tokens(f"{details}.audio"),
        },
        inner_output={
            "output_reasoning": given.tokens(f"{done}.reasoning"),
            "output_audio": given.tokens(f"{done}.audio"),
        },
    )
    if usage:
        given.take_tree(_COUNT)
        fields |= {"usage": usage, "usage_raw": raw}
    fields["total_cost"] = given.take_number("llm.cost.total", most=MAX_COST)
    _take_messages(given, fields)


def _take_messages(given: Attributes, fields: dict[str, Any]) -> None:
    """The messages are the input, unless the whole request is there and has them."""
    messages = from_openinference(given.take_tree("llm.input_messages"))
    tools = [parsed(_inner(tool)) for tool in _items(given.take_tree("llm.tools"))]
    if messages and not _is_chat(fields.get("input"), "messages"):
        _replace(given, fields, "input", asked(messages, tools))
    elif tools and not _is_chat(fields.get("input"), "tools"):
        given.left["llm.tools"] = tools
    said = from_openinference(given.take_tree("llm.output_messages"))
    if said and not _is_chat(fields.get("output"), "choices"):
        _replace(given, fields, "output", answered(said))
    asked_for = parsed(given.left.get("llm.invocation_parameters"))
    if isinstance(asked_for, dict):
        given.left["llm.invocation_parameters"] = asked_for


def scores_of(given: Attributes, of: str = "") -> list[dict[str, Any]]:
    """Annotations and evaluations: of the span, or with `of` `trace.` of its trace. What is no score stays."""
    found = []
    for word in ("annotation", "evaluation"):
        others = []
        for item in _items(given.take_tree(f"{of}{word}s")):
            inner = item.get(word, item) if isinstance(item, dict) else None
            said = inner if isinstance(inner, dict) else {}
            one = score(said.get("name"), said.get("score"), said.get("label"), said.get("explanation"))
            if one is not None:
                found.append(one)
            if one is None or (one["value"] is None and said.get("score") is not None):
                others.append(item)
        if others:
            given.left[f"{of}{word}s"] = others
    return found


def _is_chat(value: Any, key: str) -> bool:
    items = value.get(key) if isinstance(value, dict) else None
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)


def _replace(given: Attributes, fields: dict[str, Any], side: str, value: dict[str, Any]) -> None:
    """By the messages; what stood there stays in the metadata."""
    if fields.get(side) is not None:
        given.left[f"{side}.value"] = fields[side]
    fields[side] = value


def _documents(tree: Any) -> list[Any]:
    found = []
    for item in _items(tree):
        document = item.get("document", item) if isinstance(item, dict) else item
        if isinstance(document, dict) and "metadata" in document:
            document = {**document, "metadata": parsed(document["metadata"])}
        found.append(document)
    return found


def _inner(tool: Any) -> Any:
    """`tool.json_schema`, as numbered attributes have it."""
    inner = tool.get("tool", tool) if isinstance(tool, dict) else tool
    return inner.get("json_schema", inner) if isinstance(inner, dict) else inner


def _items(tree: Any) -> list[Any]:
    return tree if isinstance(tree, list) else [tree] if tree else []
