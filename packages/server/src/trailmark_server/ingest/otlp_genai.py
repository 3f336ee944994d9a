"""OpenTelemetry's GenAI conventions, today's and those before, and OpenLLMetry's → our fields. Pure."""

from __future__ import annotations

from typing import Any, Final

from trailmark_server.ingest.otlp_attributes import Attributes, parsed, score, text
from trailmark_server.ingest.otlp_messages import Message, answered, asked, from_event, from_flat, from_parts
from trailmark_server.ingest.usage import partition
from trailmark_server.pricing import MAX_COST

__all__ = ["fields_of", "take_event", "take_score"]

_TYPES: Final = {
    "chat": "llm", "text_completion": "llm", "generate_content": "llm", "completion": "llm", "responses": "llm",
    "embeddings": "embedding", "embedding": "embedding", "execute_tool": "tool", "invoke_agent": "agent",
    "create_agent": "agent", "invoke_workflow": "chain", "retrieval": "retriever", "rerank": "retriever",
    "workflow": "chain", "task": "chain", "agent": "agent", "tool": "tool",
}  # fmt: skip
_PROVIDERS: Final = {
    "aws.bedrock": "bedrock", "aws_bedrock": "bedrock", "azure.ai.openai": "azure", "az.ai.openai": "azure",
    "azure.ai.inference": "azure", "az.ai.inference": "azure", "azure_openai": "azure", "gcp.vertex_ai": "vertex",
    "vertex_ai": "vertex", "gcp.gemini": "google", "gcp.gen_ai": "google", "gemini": "google", "mistral_ai": "mistral",
    "x_ai": "xai", "google_genai": "google", "vertexai": "vertex", "mistralai": "mistral",
}  # fmt: skip
_U: Final = "gen_ai.usage"
_E: Final = "gen_ai.evaluation"
_ASKED: Final = ("gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message", "gen_ai.tool.message")
_SAID: Final = "gen_ai.choice"
_VALUES: Final = {
    "input": ("gen_ai.tool.call.arguments", "tool_arguments", "traceloop.entity.input", "gen_ai.retrieval.query.text"),
    "output": ("gen_ai.tool.call.result", "tool_response", "traceloop.entity.output", "gen_ai.retrieval.documents"),
}


def fields_of(given: Attributes, events: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """What these attributes and events say of a span; taken from `given`."""
    fields: dict[str, Any] = {
        "type": _type(given),
        "provider": _provider(given.take("gen_ai.provider.name", "gen_ai.system")),
        "model": text(given.take("gen_ai.response.model", "gen_ai.request.model")),
        "total_cost": given.take_number(f"{_U}.cost", f"{_U}.total_cost", "operation.cost", most=MAX_COST),
        **_usage(given),
    }
    messages, said = _messages(given, events)
    if messages:
        fields["input"] = asked(messages, parsed(given.take("gen_ai.tool.definitions")))
    if said:
        fields["output"] = answered(said)
    _take_values(given, fields)
    return {key: value for key, value in fields.items() if value is not None}


def take_event(name: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """An event that carries messages; None for any other."""
    if name in (*_ASKED, _SAID) or any(
        key in body for key in ("gen_ai.prompt", "gen_ai.completion", "gen_ai.input.messages", "gen_ai.output.messages")
    ):
        return name, body
    return None


def take_score(name: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """The score of a `gen_ai.evaluation.result` event; None for any other, or one whose value is no number."""
    if not name.startswith(_E):
        return None
    names = (f"{_E}.name", f"{_E}.score.value", f"{_E}.score.label", f"{_E}.explanation")
    return score(*(body.get(name) for name in names))


def _type(given: Attributes) -> str | None:
    for name in ("gen_ai.operation.name", "traceloop.span.kind", "llm.request.type"):
        kind = _TYPES.get(str(given.left.get(name, "")).lower())
        if kind is not None:
            return kind
    if "gen_ai.tool.name" in given:
        return "tool"
    return "llm" if "gen_ai.request.model" in given or "gen_ai.response.model" in given else None


def _provider(value: Any) -> str | None:
    name = text(value)
    return None if name is None else _PROVIDERS.get(name.lower(), name.lower())


def _usage(given: Attributes) -> dict[str, Any]:
    raw = {name[len(_U) + 1 :]: value for name, value in given.left.items() if name.startswith(f"{_U}.")}
    parts = partition(
        given.tokens(f"{_U}.input_tokens", f"{_U}.prompt_tokens"),
        given.tokens(f"{_U}.output_tokens", f"{_U}.completion_tokens"),
        inner_input={
            "input_cached": given.tokens(
                f"{_U}.cache_read.input_tokens", f"{_U}.cache_read_input_tokens", f"{_U}.details.cache_read_tokens",
                f"{_U}.cached_tokens",
            ),
            "input_cache_write": given.tokens(
                f"{_U}.cache_creation.input_tokens", f"{_U}.cache_creation_input_tokens",
                f"{_U}.details.cache_write_tokens",
            ),
            "input_audio": given.tokens(f"{_U}.details.input_audio_tokens"),
        },
        inner_output={
            "output_reasoning": given.tokens(
                f"{_U}.reasoning.output_tokens", f"{_U}.reasoning_tokens", f"{_U}.details.reasoning_tokens"
            ),
            "output_audio": given.tokens(f"{_U}.details.output_audio_tokens"),
        },
    )  # fmt: skip
    if not parts:
        return {}
    given.take_tree(_U)
    given.take("llm.usage.total_tokens")
    return {"usage": parts, "usage_raw": raw}


def _messages(given: Attributes, events: list[tuple[str, dict[str, Any]]]) -> tuple[list[Message], list[Message]]:
    """Asked and said, from whichever of the four ways was used."""
    messages = from_parts(given.take("gen_ai.input.messages")) or from_flat(given.take_tree("gen_ai.prompt"))
    said = from_parts(given.take("gen_ai.output.messages")) or from_flat(given.take_tree("gen_ai.completion"))
    for name, body in [*events, *_logged(given)]:
        if name in _ASKED:
            messages.append(from_event(name, body))
        elif name == _SAID:
            said.append(from_event(name, body))
        else:
            messages += from_parts(body.get("gen_ai.input.messages", body.get("gen_ai.prompt")))
            said += from_parts(body.get("gen_ai.output.messages", body.get("gen_ai.completion")))
    messages = messages or from_parts(given.take("gen_ai.prompt"))
    said = said or from_parts(given.take("gen_ai.completion"))
    system = parsed(given.take("gen_ai.system_instructions"))
    if system is not None and not any(message.get("role") == "system" for message in messages):
        messages = [*from_parts({"role": "system", "parts": system}), *messages]
    return messages, said


def _logged(given: Attributes) -> list[tuple[str, dict[str, Any]]]:
    """Events that Logfire writes as an attribute."""
    found = parsed(given.left.get("events"))
    if not isinstance(found, list) or not all(isinstance(item, dict) and "event.name" in item for item in found):
        return []
    given.take("events")
    drop = ("event.name", "gen_ai.system", "gen_ai.message.index")
    return [(item["event.name"], {k: v for k, v in item.items() if k not in drop}) for item in found]


def _take_values(given: Attributes, fields: dict[str, Any]) -> None:
    """Arguments and results of tools, workflows and retrievals."""
    for side, names in _VALUES.items():
        if side not in fields:
            fields[side] = parsed(given.take(*names))
