"""LlamaIndex's objects → plain, readable values. Nothing here is kept, consumed or changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.base.response.schema import Response
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle
from llama_index.core.tools import AsyncBaseTool, BaseTool, ToolOutput

__all__ = ["asked", "readable"]

_PLAIN: Final = frozenset((int, float, bool, type(None)))
_DEPTH: Final = 8
_ITEMS: Final = 1000
_LIMIT: Final = 64 * 1024
_BASE64: Final = re.compile(r"(?:data:[\w.+/;=-]{0,200},)?[A-Za-z0-9+/_=-]{512}")
_NAMES: Final = {"str_or_query_bundle": "query", "query_bundle": "query"}
_ALIVE: Final = ("llama_index", "workflows", "asyncio", "_asyncio")


def asked(arguments: Mapping[str, Any]) -> Any:
    """Arguments as they are now."""
    if (event := arguments.get("start_event", arguments.get("ev"))) is not None:  # a workflow, or a step of one
        return readable(event)
    match arguments.get("args"):  # a completion's signature is hidden by LlamaIndex
        case (str() as prompt,):
            arguments = {**arguments, "args": None, "prompt": prompt}
    given = {_NAMES.get(name, name): value for name, value in arguments.items() if name != "self"}
    shown = {name: readable(value) for name, value in given.items() if value is not None}
    for name in ("kwargs", "additional_kwargs"):
        if isinstance(more := shown.get(name), dict):
            del shown[name]
            shown |= more
    return shown


def readable(value: Any, depth: int = _DEPTH) -> Any:
    """Messages as chat, nodes as text with scores, answers as their text; containers of them alike."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, str):
        return f"<{len(value) * 3 // 4} bytes>" if len(value) > _LIMIT and _BASE64.match(value) else value
    if depth <= 0:
        return value
    if isinstance(value, dict):
        return {str(key): readable(item, depth - 1) for key, item in list(value.items())[:_ITEMS]}
    if isinstance(value, (list, tuple)):
        items = [readable(item, depth - 1) for item in value[:_ITEMS]]
        return items + ([f"… {len(value) - _ITEMS} more"] if len(value) > _ITEMS else [])
    show = _way_of(kind)  # type: ignore[arg-type]  # a class is hashable, mypy says its metaclass might not be
    return show(value) if show is not None else _other(value, depth)


@lru_cache(maxsize=512)
def _way_of(kind: type) -> Callable[[Any], Any] | None:
    """How one of LlamaIndex's own kinds is shown; asking pydantic's classes each time costs more than the showing."""
    return next((show for known, show in _SHOWN if issubclass(kind, known)), None)


def _other(value: Any, depth: int) -> Any:
    """Agents' answers and workflow events by what they say; what is alive (a stream, a context, a tool) by its name."""
    name = type(value).__name__
    if isinstance(value, (BaseTool, AsyncBaseTool)):
        return {"name": value.metadata.name, "description": value.metadata.description}
    if isinstance(value, BasePromptTemplate):
        return getattr(value, "template", f"<{name}>")
    if isinstance(value, type):
        return value.__name__
    if name in ("AgentChatResponse", "StreamingAgentChatResponse"):
        return {"response": str(getattr(value, "response", "")), "sources": len(getattr(value, "sources", ()))}
    if name == "AgentOutput":
        calls = [{"name": call.tool_name, "arguments": readable(call.tool_kwargs)} for call in value.tool_calls]
        return {"response": readable(value.response, depth - 1), **({"tool_calls": calls} if calls else {})}
    if hasattr(value, "_data") and hasattr(value, "model_dump"):  # an event of a workflow
        told = {**{key: getattr(value, key, None) for key in type(value).model_fields}, **dict(value._data)}
        if name == "StopEvent":
            return readable(value.result, depth - 1)
        return {"event": name, **{key: readable(item, depth - 1) for key, item in told.items() if item is not None}}
    return value if type(value).__module__.partition(".")[0] not in _ALIVE else f"<{name}>"


def _message(message: ChatMessage) -> dict[str, Any]:
    shown: dict[str, Any] = {"role": message.role.value, "content": message.content}
    blocks: list[tuple[Any, str]] = [(block, getattr(block, "block_type", "")) for block in message.blocks]
    calls = [_call_block(block) for block, kind in blocks if kind == "tool_call"]
    if thoughts := [block.content for block, kind in blocks if kind == "thinking" and block.content]:
        shown["thinking"] = "\n".join(thoughts)
    if media := [_media(block, kind) for block, kind in blocks if kind not in ("text", "tool_call", "thinking")]:
        shown["blocks"] = media
    more = message.additional_kwargs
    shown |= {key: more[key] for key in ("tool_call_id", "reasoning_content", "refusal") if more.get(key)}
    if told := calls or [_call(call) for call in more.get("tool_calls") or ()]:
        shown["tool_calls"] = told
    return shown


def _call_block(block: Any) -> dict[str, Any]:
    return {"id": block.tool_call_id, "name": block.tool_name, "arguments": readable(block.tool_kwargs)}


def _media(block: Any, kind: str) -> dict[str, Any]:
    """What it is, where it came from and how large, never the bytes."""
    data = getattr(block, kind if kind in ("image", "audio", "video") else "data", None)
    facts = {
        "type": kind,
        "url": str(url) if (url := getattr(block, "url", None)) else None,
        "path": str(path) if (path := getattr(block, "path", None)) else None,
        "title": getattr(block, "title", None),
        "base64_bytes": len(data) if isinstance(data, bytes) else None,
    }
    return {key: fact for key, fact in facts.items() if fact}


def _call(call: Any) -> Any:
    function = getattr(call, "function", None)
    if function is None:
        return readable(call)
    return {"id": call.id, "name": function.name, "arguments": function.arguments}


def _node(node: BaseNode) -> dict[str, Any]:
    text = getattr(node, "text", None)
    shown = text if isinstance(text, str) else node.get_content()
    return {"id": node.node_id, "text": shown, "metadata": node.metadata}


_SHOWN: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (ChatMessage, _message),
    (ChatResponse, lambda answer: _message(answer.message)),
    (CompletionResponse, lambda answer: answer.text),
    (NodeWithScore, lambda found: {"score": found.score, **_node(found.node)}),
    (BaseNode, _node),
    (QueryBundle, lambda query: query.query_str),
    (Response, lambda answer: {"response": answer.response, "source_nodes": readable(answer.source_nodes)}),
    (ToolOutput, lambda output: {"content": readable(output.content), "is_error": output.is_error}),
)
