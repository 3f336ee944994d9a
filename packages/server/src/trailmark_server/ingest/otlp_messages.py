"""Chat messages of every convention → those of chat completions, which the page shows. Pure."""

from __future__ import annotations

from typing import Any

from trailmark_server.ingest.otlp_attributes import parsed, text

__all__ = ["answered", "asked", "from_event", "from_flat", "from_openinference", "from_parts"]

Message = dict[str, Any]


def asked(messages: list[Message], tools: Any = None) -> dict[str, Any]:
    """An input."""
    return {"messages": messages, **({"tools": tools} if tools else {})}


def answered(messages: list[Message]) -> dict[str, Any]:
    """An output: every message is a choice."""
    choices = []
    for index, message in enumerate(messages):
        reason = message.pop("finish_reason", None)
        choices.append({"index": index, "finish_reason": reason, "message": {"role": "assistant", **message}})
    return {"choices": choices}


def from_parts(value: Any) -> list[Message]:
    """OpenTelemetry's messages of parts (`gen_ai.input.messages`, `gen_ai.output.messages`), whole or as JSON text."""
    found = parsed(value)
    return [message for item in _list(found) for message in _of_parts(item)]


def from_event(name: str, body: dict[str, Any]) -> Message:
    """OpenTelemetry's older events: one message each, `gen_ai.user.message` and the like, or a `gen_ai.choice`."""
    if name == "gen_ai.choice":
        inner = parsed(body.get("message", body.get("content")))
        message = inner if isinstance(inner, dict) else {"content": inner}
        return {"role": "assistant", **_named(message), "finish_reason": body.get("finish_reason")}
    return {"role": name.removeprefix("gen_ai.").removesuffix(".message"), **_named(body)}


def from_flat(tree: Any) -> list[Message]:
    """Numbered attributes (`gen_ai.prompt.0.role`), as OpenLLMetry writes them."""
    messages = []
    for item in _list(tree):
        if not isinstance(item, dict):
            messages.append({"role": "user", "content": item})
            continue
        message = {"role": "user", **item}
        if isinstance(content := item.get("content"), str) and content.startswith("[{"):
            message["content"] = parsed(content)
        if "tool_calls" in item:
            message["tool_calls"] = [_call(call) for call in _list(item["tool_calls"])]
        messages.append(message)
    return messages


def from_openinference(tree: Any) -> list[Message]:
    """Numbered attributes under `llm.input_messages` or `llm.output_messages`."""
    return [_of_openinference(item.get("message", item)) for item in _list(tree) if isinstance(item, dict)]


def _of_openinference(given: Any) -> Message:
    if not isinstance(given, dict):
        return {"role": "user", "content": given}
    message = {key: value for key, value in given.items() if key not in ("contents", "tool_calls")}
    if "contents" in given:
        message["content"] = [_content(part) for part in _list(given["contents"])]
    elif "content" not in message:
        message["content"] = None
    if "tool_calls" in given:
        calls = [call.get("tool_call", call) if isinstance(call, dict) else call for call in _list(given["tool_calls"])]
        message["tool_calls"] = [_call(call) for call in calls]
    return {"role": "user", **message}


def _content(part: Any) -> Any:
    inner = part.get("message_content", part) if isinstance(part, dict) else part
    if not isinstance(inner, dict):
        return {"type": "text", "text": text(inner) or ""}
    image = inner.get("image")
    for _ in range(2):  # `image.image.url`
        image = image.get("image", image) if isinstance(image, dict) else image
    if isinstance(image, dict) and "url" in image:
        return {"type": "image_url", "image_url": {"url": image["url"]}}
    return inner


def _of_parts(item: Any) -> list[Message]:
    if not isinstance(item, dict):
        return [{"role": "user", "content": item}]
    if "parts" not in item:
        return [{"role": "user", **_named(item)}]
    message = {key: value for key, value in item.items() if key != "parts"}
    contents: list[Any] = []
    calls: list[Any] = []
    results: list[Message] = []
    for part in _list(item["parts"]):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "tool_call":
            calls.append(_call(part))
        elif kind == "tool_call_response":
            told = part.get("response", part.get("result", part.get("content")))
            results.append({"role": "tool", "tool_call_id": part.get("id"), "content": told})
        else:
            contents.append(_part(part))
    if not contents and not calls and results:
        return results
    message["content"] = _shortest(contents)
    return [{"role": "user", **message, **({"tool_calls": calls} if calls else {})}, *results]


def _part(part: Any) -> Any:
    if not isinstance(part, dict):
        return {"type": "text", "text": text(part) or ""}
    kind, modality = part.get("type"), part.get("modality")
    if kind == "text":
        return {"type": "text", "text": text(part.get("content", part.get("text"))) or ""}
    if kind == "blob" and modality == "image":
        url = f"data:{part.get('mime_type') or 'image/png'};base64,{part.get('content', part.get('data', ''))}"
        return {"type": "image_url", "image_url": {"url": url}}
    if kind == "uri" and modality == "image":
        return {"type": "image_url", "image_url": {"url": part.get("uri")}}
    return part


def _shortest(contents: list[Any]) -> Any:
    """A lone text is a text."""
    if not contents:
        return None
    if len(contents) == 1 and contents[0].get("type") == "text":
        return contents[0]["text"]
    return contents


def _named(message: dict[str, Any]) -> Message:
    """Of a message whose content and calls came as JSON text."""
    found = {key: value for key, value in message.items() if key != "tool_calls"}
    if "content" not in found:
        found["content"] = None
    elif isinstance(found["content"], str) and found["content"].startswith("[{"):
        found["content"] = parsed(found["content"])
    calls = parsed(message.get("tool_calls"))
    return {**found, "tool_calls": [_call(call) for call in calls]} if isinstance(calls, list) else found


def _call(call: Any) -> Any:
    if not isinstance(call, dict) or isinstance(call.get("function"), dict):
        return {"type": "function", **call} if isinstance(call, dict) else call
    function = {"name": call.get("name"), "arguments": call.get("arguments")}
    return {"id": call.get("id"), "type": "function", "function": function}


def _list(value: Any) -> list[Any]:
    if value is None or value == {}:
        return []
    return value if isinstance(value, list) else [value]
