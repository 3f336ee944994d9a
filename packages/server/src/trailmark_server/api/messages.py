"""The conversation in a span's input and output, in one shape whoever wrote it: OpenAI, Anthropic, Gemini, LangChain.

Pure: values in, messages out; what is no conversation gives none, and nothing here raises for odd input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["conversation", "parameters"]

_Part = dict[str, Any]
_ROLES: Final = {"human": "user", "ai": "assistant", "model": "assistant", "AIMessageChunk": "assistant",
                 "function": "tool"}  # fmt: skip
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,")
_BLOB: Final = re.compile(r"trailmark-media:([0-9a-f]{64}):\d+:(?:url|raw):(.{0,200})", re.DOTALL)
_MEDIA: Final = ("image", "audio", "file")
_LISTS: Final = ("messages", "input", "contents", "output", "choices", "candidates", "generations")


def conversation(sent: Any, received: Any) -> list[dict[str, Any]] | None:
    """`{role, parts, side}` of what was sent and received; None when neither holds messages."""
    found = [{**message, "side": "input"} for message in _messages(sent, "user")]
    if isinstance(sent, dict) and found:
        system = sent.get("system") or sent.get("instructions") or sent.get("system_instruction")
        if system:
            found.insert(0, {"role": "system", "parts": _parts(_unwrapped(system)), "side": "input"})
    if found and isinstance(received, str) and received:  # a function that gives the answer's text
        found.append({"role": "assistant", "parts": _parts(received), "side": "output"})
    elif found or _looks_like_answer(received):
        found += [{**message, "side": "output"} for message in _messages(received, "assistant")]
    return found or None


def parameters(sent: Any) -> dict[str, Any] | None:
    """What stands beside the messages of a request: temperature, tools, …"""
    if not isinstance(sent, dict) or not any(_is_list(sent.get(key)) for key in ("messages", "input", "contents")):
        return None
    texts = ("messages", "input", "contents", "system", "instructions", "system_instruction")
    return {key: value for key, value in sent.items() if key not in texts} or None


def _messages(value: Any, role: str) -> Iterator[dict[str, Any]]:
    for item in _candidates(value):
        if isinstance(item, list):  # LangChain's batches of prompts
            yield from _messages(item, role)
        elif isinstance(item, dict):
            message = _message(item, role)
            if message is not None:
                yield message


def _candidates(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value if all(isinstance(item, (dict, list)) for item in value) else []
    if not isinstance(value, dict):
        return []
    for key in _LISTS:
        found = value.get(key)
        if isinstance(found, list) and _is_list(found):
            return [_unwrapped(item) for item in found]
    return [value] if _is_message(value) else [value["message"]] if isinstance(value.get("message"), dict) else []


def _message(item: dict[str, Any], role: str) -> dict[str, Any] | None:
    if isinstance(item.get("kwargs"), dict) and isinstance(item.get("id"), list):  # LangChain's serialised form
        item = {"type": str(item["id"][-1]).removesuffix("Message").removesuffix("MessageChunk").lower()} | item[
            "kwargs"
        ]
    kind = item.get("type")
    if kind in ("function_call", "custom_tool_call", "mcp_call"):
        return {"role": "assistant", "parts": [_call(item)]}
    if kind in ("function_call_output", "custom_tool_call_output"):
        return {"role": "tool", "parts": [_result(item.get("output"), item.get("call_id"), None)]}
    if kind == "reasoning":
        texts = [_text(part) for part in _listed(item.get("summary")) + _listed(item.get("content"))]
        return {"role": "assistant", "parts": [{"type": "reasoning", "text": "\n".join(filter(None, texts))}]}
    if not _is_message(item):
        return None
    said = str(item.get("role") or kind or role)
    said = _ROLES.get(said, said)
    parts = _parts(item["parts"] if "parts" in item else item.get("content"))
    thought = item.get("reasoning_content") or item.get("thinking")
    if isinstance(thought, str):
        parts.insert(0, {"type": "reasoning", "text": thought})
    if isinstance(item.get("refusal"), str):
        parts.append({"type": "refusal", "text": item["refusal"]})
    parts += [_call(call) for call in _listed(item.get("tool_calls")) if isinstance(call, dict)]
    if isinstance(item.get("audio"), dict):
        parts.append(_media("audio", item["audio"]))
    if said == "tool":
        name = item.get("name")
        parts = [_result(item.get("content"), item.get("tool_call_id"), name, item.get("status") == "error")]
    return {"role": said, "parts": parts}


def _is_message(item: dict[str, Any]) -> bool:
    is_told = isinstance(item.get("role"), str) or item.get("type") in (
        "human",
        "ai",
        "system",
        "tool",
        "AIMessageChunk",
    )
    return is_told and any(key in item for key in ("content", "parts", "tool_calls", "refusal", "audio"))


def _looks_like_answer(value: Any) -> bool:
    return isinstance(value, dict) and (_is_message(value) or any(_is_list(value.get(key)) for key in _LISTS))


def _parts(content: Any) -> list[_Part]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for item in _listed(content) for part in _part(item)]


def _part(item: Any) -> Iterator[_Part]:
    if isinstance(item, str):
        yield {"type": "text", "text": item}
        return
    if not isinstance(item, dict):
        yield {"type": "text", "text": str(item)}
        return
    kind = str(item.get("type") or "")
    if kind in ("tool_use", "tool_call", "server_tool_use") or "functionCall" in item or "function_call" in item:
        yield _call(item.get("functionCall") or item.get("function_call") or item)
    elif kind in ("tool_result", "web_search_tool_result") or "functionResponse" in item or "function_response" in item:
        told = item.get("functionResponse") or item.get("function_response") or item
        is_error = told.get("is_error") is True
        yield _result(told.get("content", told.get("response")), told.get("tool_use_id"), told.get("name"), is_error)
    elif kind in ("thinking", "reasoning", "redacted_thinking"):
        yield {
            "type": "reasoning",
            "text": str(item.get("thinking") or item.get("text") or item.get("reasoning") or ""),
        }
    elif medium := next((one for one in _MEDIA if one in kind or f"{one}_url" in item or f"input_{one}" in item), None):
        yield _media(medium, item)
    elif "inline_data" in item or "inlineData" in item or "file_data" in item:
        yield _media("file", item.get("inline_data") or item.get("inlineData") or item["file_data"])
    elif kind == "document":
        yield _media("file", item)
    elif (text := _text(item)) is not None:
        yield {"type": "refusal" if kind == "refusal" else "text", "text": text}
    else:
        yield {"type": "file", "name": kind or None, "args": item}


def _call(call: dict[str, Any]) -> _Part:
    told = call["function"] if isinstance(call.get("function"), dict) else call
    args = next((told[key] for key in ("arguments", "args", "input") if key in told), None)
    id = call.get("call_id") or call.get("id")
    return {
        "type": "tool_call",
        "id": id if isinstance(id, str) else None,
        "name": str(told.get("name") or "?"),
        "args": args,
    }


def _result(content: Any, id: Any, name: Any, is_error: bool = False) -> _Part:
    part: _Part = {"type": "tool_result", "id": id if isinstance(id, str) else None}
    if is_error:
        part["is_error"] = True
    if isinstance(name, str):
        part["name"] = name
    texts = [_text(item) for item in _listed(content)]
    if content is not None and all(text is not None for text in texts):
        return {**part, "text": "\n".join(text for text in texts if text is not None)}
    return {**part, "args": content}


def _media(kind: str, item: dict[str, Any]) -> _Part:
    """Where the picture or sound is: with us, in place, or elsewhere."""
    source = next(
        (item[key] for key in (f"{kind}_url", f"input_{kind}", "source", kind, "file_url") if item.get(key)), item
    )
    fields = source if isinstance(source, dict) else {"url": source}
    mime = fields.get("media_type") or fields.get("mime_type") or fields.get("mimeType") or item.get("mime_type")
    if not mime and isinstance(fields.get("format"), str):
        mime = f"{kind}/{fields['format']}"
    given = next((fields[key] for key in ("url", "data", "file_data", "file_uri", "b64_json") if fields.get(key)), None)
    part: _Part = {"type": kind, "mime": mime if isinstance(mime, str) else None}
    name = fields.get("filename") or item.get("filename") or fields.get("title")
    if isinstance(name, str):
        part["name"] = name
    if not isinstance(given, str):
        return {**part, "args": item}
    if found := _BLOB.match(given):
        return {**part, "blob": found[1], "mime": part["mime"] or found[2] or None}
    if found := _DATA_URL.match(given):
        return {**part, "mime": found[1] or part["mime"], "data": given[found.end() :]}
    return {**part, "url": given} if "://" in given[:12] or given.startswith("gs:") else {**part, "data": given}


def _text(item: Any) -> str | None:
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        return next((item[key] for key in ("text", "refusal", "content") if isinstance(item.get(key), str)), None)
    return None


def _unwrapped(item: Any) -> Any:
    """A choice's or candidate's message; anything else as it is."""
    if isinstance(item, dict):
        for key in ("message", "content", "delta"):
            if isinstance(item.get(key), dict) and not isinstance(item.get("role"), str):
                return item[key]
    return item


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], (dict, list))
