"""LangChain's objects → plain, readable values. Nothing here is kept, consumed or changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import PromptValue

from trailmark_langchain._usage import usage_of

__all__ = [
    "answer_of",
    "facts_of",
    "name_of",
    "people_of",
    "place_of",
    "readable",
    "usage_of",
    "user_metadata",
    "user_tags",
]

_DEPTH: Final = 8
_ITEMS: Final = 1000
_PLAIN: Final = frozenset((int, float, bool, type(None), bytes))
_LIMIT: Final = 64 * 1024
_ROLES: Final = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "HumanMessageChunk": "user"}
_NOISE: Final = ("seq:step", "map:key", "graph:step", "langsmith:", "branch:", "condition:")
_INTERNAL: Final = (
    "ls_", "__", "langgraph_checkpoint", "checkpoint_ns", "langgraph_path", "langgraph_triggers", "lc_versions",
)  # fmt: skip
_THREAD: Final = ("session_id", "thread_id", "conversation_id")
_GRAPH: Final = {
    "Command": ("goto", "update", "resume", "graph"),
    "Send": ("node", "arg"),
    "Interrupt": ("value", "id"),
}
_BASE64: Final = re.compile(r"(?:data:[\w.+/;=-]{0,200},)?[A-Za-z0-9+/_=-]{512}")

_schemas: WeakKeyDictionary[type, Any] = WeakKeyDictionary()


def readable(value: Any, depth: int = _DEPTH) -> Any:
    """Messages as chat, documents as text with metadata, containers of them alike; all else is for the core to see."""
    kind = type(value)
    if kind is str:
        return f"<{len(value) * 3 // 4} bytes>" if len(value) > _LIMIT and _BASE64.match(value) else value
    if kind in _PLAIN or depth <= 0:
        return value
    if kind is dict:
        return _pairs(value, depth)
    if kind is list or kind is tuple:
        return [readable(item, depth - 1) for item in value[:_ITEMS]] + (
            [f"… {len(value) - _ITEMS} more"] if len(value) > _ITEMS else []
        )
    return _way_of(kind)(value, depth)  # type: ignore[arg-type]  # a class is hashable, mypy says its metaclass might not be


def _pairs(value: dict[Any, Any], depth: int) -> dict[Any, Any]:
    if len(value) <= _ITEMS:
        return {key: readable(item, depth - 1) for key, item in list(value.items())}
    shown = {key: readable(item, depth - 1) for key, item in list(value.items())[:_ITEMS]}
    return shown | {"…": f"{len(value) - _ITEMS} more"}


@lru_cache(maxsize=512)
def _way_of(kind: type) -> Callable[[Any, int], Any]:
    """How one of LangChain's own kinds is shown; asking pydantic's classes each time costs more than the showing."""
    if issubclass(kind, BaseMessage):
        return _message
    if issubclass(kind, Document):
        return _document
    if issubclass(kind, PromptValue):
        return _prompt
    if issubclass(kind, str):
        return lambda value, depth: readable(str(value), depth)
    return _class if issubclass(kind, type) else _of_graph


def _document(value: Document, depth: int) -> dict[str, Any]:
    return {"content": value.page_content, "metadata": readable(value.metadata, depth - 1)}


def _prompt(value: PromptValue, depth: int) -> Any:
    held = vars(value)
    return readable(held.get("messages") or held.get("text"), depth - 1)


def _class(kind: type, depth: int) -> Any:  # noqa: ARG001 - as all of them
    """What an answer is to look like; made once a class."""
    if kind not in _schemas:
        make = getattr(kind, "model_json_schema", None)
        try:
            _schemas[kind] = make() if callable(make) else kind.__qualname__
        except Exception:  # noqa: BLE001 - the user's class; not every field has a schema
            _schemas[kind] = kind.__qualname__
    return _schemas[kind]


def _message(message: BaseMessage, depth: int) -> dict[str, Any]:
    get = vars(message).get  # asking a pydantic object for what it has not costs more than all of this
    role, content = get("role") or get("type"), get("content")
    shown: dict[str, Any] = {"role": _ROLES.get(role, role) if isinstance(role, str) else message.type}
    shown["content"] = readable(content, depth - 1)
    for key in ("name", "tool_call_id", "artifact"):
        if (found := get(key)) is not None:
            shown[key] = readable(found, depth - 1)
    if get("status") == "error":
        shown["status"] = "error"
    if get("tool_calls") or get("invalid_tool_calls"):
        calls = [*(get("tool_calls") or ()), *(get("invalid_tool_calls") or ())]
        shown["tool_calls"] = [{key: call.get(key) for key in ("id", "name", "args")} for call in calls]
    if more := get("additional_kwargs"):
        shown |= {key: more[key] for key in ("reasoning_content", "refusal") if more.get(key)}
    return shown


def _of_graph(value: Any, depth: int) -> Any:
    """LangGraph's Command, Send and Interrupt, known by name: the graph need not be installed."""
    kind = type(value).__name__
    fields = _GRAPH.get(kind)
    if fields is None or not type(value).__module__.startswith("langgraph"):
        return value
    found = {name: getattr(value, name, None) for name in fields}
    return {"type": kind, **{name: readable(item, depth - 1) for name, item in found.items() if item}}


def name_of(serialized: Mapping[str, Any] | None, kwargs: Mapping[str, Any], otherwise: str) -> str:
    """What the run is called."""
    if kwargs.get("name"):
        return str(kwargs["name"])
    told = serialized or {}
    path = told.get("id")
    return str(told.get("name") or (path[-1] if isinstance(path, list) and path else otherwise))


def user_tags(tags: list[str] | None) -> list[str]:
    """Without those LangChain itself puts on every step."""
    return [str(tag) for tag in tags if not str(tag).startswith(_NOISE)] if tags else []


def user_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Without what belongs to LangSmith or to the inside of a graph."""
    if not metadata:
        return {}
    return {key: readable(value) for key, value in metadata.items() if not str(key).startswith(_INTERNAL)}


def people_of(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    """The thread and user a run's metadata name."""
    if not metadata:
        return {}
    told = metadata
    thread = next((told[key] for key in _THREAD if told.get(key)), None)
    found = {"thread_id": thread, "user_id": told.get("user_id")}
    return {key: str(value) for key, value in found.items() if value}


def place_of(metadata: Mapping[str, Any] | None) -> str | None:
    """Which node of which graph the run is in: the graph itself is where its caller is."""
    return (metadata or {}).get("langgraph_checkpoint_ns")


def facts_of(metadata: Mapping[str, Any] | None, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Model and provider of a model's run, as it starts."""
    told, asked = metadata or {}, kwargs.get("invocation_params") or {}
    model = told.get("ls_model_name") or asked.get("model") or asked.get("model_name")
    found = {"model": model, "provider": told.get("ls_provider")}
    return {key: str(value) for key, value in found.items() if value}


def answer_of(result: Any) -> dict[str, Any]:
    """Output, model, usage and facts of a model's result."""
    generations = [generation for group in result.generations for generation in group]
    messages = [getattr(generation, "message", None) for generation in generations]
    said = [
        readable(message) if message is not None else generation.text
        for message, generation in zip(messages, generations, strict=True)
    ]
    fields: dict[str, Any] = {"output": said[0] if len(said) == 1 else said}
    first = messages[0] if messages else None
    told: Mapping[str, Any] = getattr(first, "response_metadata", None) or {}
    whole: Mapping[str, Any] = result.llm_output or {}
    if model := told.get("model_name") or told.get("model") or whole.get("model_name"):
        fields["model"] = str(model)
    counted = usage_of(first, whole)  # with n > 1 every generation repeats the sum
    if counted is not None:
        fields |= {"usage": counted[0], "usage_raw": counted[1]}
    reasons = [
        reason
        for message, generation in zip(messages, generations, strict=True)
        if (reason := _reason(message, generation))
    ]
    facts = {"finish_reasons": reasons, "response_id": told.get("id"), "service_tier": told.get("service_tier")}
    if counted is not None and counted[1].get("total_cost") == 0 and result.llm_output is None:
        facts["cached"] = True  # from LangChain's cache: the tokens are those of the first time
        fields["total_cost"] = 0.0
    if metadata := {key: value for key, value in facts.items() if value}:
        fields["metadata"] = metadata
    return fields


def _reason(message: Any, generation: Any) -> Any:
    told = getattr(message, "response_metadata", None) or {}
    more = getattr(generation, "generation_info", None) or {}
    return told.get("finish_reason") or told.get("stop_reason") or more.get("finish_reason")
