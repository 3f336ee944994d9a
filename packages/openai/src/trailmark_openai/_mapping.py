"""Their requests and answers → our fields. Pure functions on plain JSON; nothing here touches the user's objects."""

from __future__ import annotations

import re
import zlib
from typing import Any, Final

from trailmark.wire import loads

from trailmark_openai._media import LIMIT, body_media, file_facts, sized, without_media
from trailmark_openai._pending import PENDING
from trailmark_openai._stream import read_stream
from trailmark_openai._usage import usage_parts

__all__ = ["from_answer", "from_body", "from_request", "has_token", "inflated"]

_FACTS: Final = {
    "id": "response_id",
    "service_tier": "service_tier",
    "system_fingerprint": "system_fingerprint",
    "provider": "upstream_provider",
    "incomplete_details": "incomplete_details",
}
_WHERE_USAGE: Final = ("x_groq", "turn", "session")  # Groq's streams; agents
_NOT_OUTPUT: Final = {"id", "object", "created", "created_at", "model", "usage", *_FACTS}
_SECRETS: Final = ("authorization", "headers", "domain_secrets", "client_secret")
_HIDDEN: Final = "[hidden]"
_TOKEN: Final = re.compile(rb'"(?:content|refusal|reasoning_content|arguments|text|delta|b64_json)" ?: ?"[^"]')


def from_request(body: Any, files: Any) -> dict[str, Any]:
    """Model and input, without credentials of tools; of files their names and sizes."""
    if not isinstance(body, dict):
        return {} if body is None else {"input": body}
    given = {key: value for key, value in body.items() if key not in ("model", "stream")}
    if given.get("tools"):
        given["tools"] = _without_secrets(given["tools"])
    for key in ("messages", "input"):
        if isinstance(given.get(key), list):
            given[key] = [_without_media(message) for message in given[key]]
    if files:
        given["files"] = [file_facts(*item) for item in (files.items() if isinstance(files, dict) else files)]
    if isinstance(model := body.get("model"), str):
        return {"input": given, "model": model}
    return {"input": given}


def from_body(content: bytes, kind: str) -> tuple[dict[str, Any], bool]:
    """What an answer says, by its content type, and whether a stream said everything."""
    if kind == "text/event-stream":
        answer, is_complete = read_stream(content)
        fields = _lighter(from_answer(answer), content)
        if "pending" in fields and not answer.get("background"):
            del fields["pending"]  # it was left, and that called it off
        return fields, is_complete
    if "json" in kind:
        try:
            fields = from_answer(loads(content))
        except ValueError:
            return {"output": content.decode(errors="replace"), "metadata": {}}, False
        return _lighter(fields, content), True
    if kind.startswith("text/"):
        return {"output": content.decode(errors="replace"), "metadata": {}}, True
    fields = {"output": {"bytes": len(content), "content_type": kind}, "metadata": {}}
    if media := body_media(content, kind):
        fields["attachments"] = media
    return fields, True


def _lighter(fields: dict[str, Any], content: bytes) -> dict[str, Any]:
    if len(content) > LIMIT:  # a smaller one holds nothing large
        fields["output"] = without_media(fields["output"])
    return fields


def has_token(data: bytes, kind: str) -> bool:
    """Whether a piece of a stream says something, not only who is speaking."""
    return kind != "text/event-stream" or _TOKEN.search(data) is not None


def inflated(data: bytes, encoding: str) -> bytes | None:
    """The bytes as the user reads them, as far as they go; None for a compression that is not ours to read."""
    if encoding in ("", "identity"):
        return data
    if encoding not in ("gzip", "deflate"):
        return None
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data)
    except zlib.error:  # deflate without its header, as some servers send it
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data)


def from_answer(answer: Any) -> dict[str, Any]:
    """What an answer in one piece says; media are still in it."""
    if not isinstance(answer, dict):
        return {"output": answer, "metadata": {}}
    fields: dict[str, Any] = {"output": _output(answer)}
    if isinstance(answer.get("model"), str) and answer["model"]:
        fields["model"] = answer["model"]
    usage = answer.get("usage")
    if not usage:
        usage = _usage_inside(answer)
    if isinstance(usage, dict):
        fields |= {"usage": usage_parts(usage), "usage_raw": usage}
        cost = usage.get("cost")  # OpenRouter says what it charged
        if isinstance(cost, (int, float)) and not isinstance(cost, bool) and cost >= 0:
            fields["total_cost"] = cost
    metadata = {name: answer[key] for key, name in _FACTS.items() if answer.get(key)}
    reasons = [choice.get("finish_reason") for choice in answer.get("choices") or ()]
    if any(reasons):
        metadata["finish_reasons"] = reasons
    fields["metadata"] = metadata
    status = answer.get("status")
    if answer.get("error") or status == "failed":
        fields["failure"] = answer.get("error") or answer.get("errors") or "the response failed"
    elif status in PENDING and isinstance(answer.get("id"), str):
        fields["pending"] = answer["id"]
    began, ended = answer.get("created_at"), answer.get("completed_at")
    if isinstance(began, (int, float)) and isinstance(ended, (int, float)):
        metadata["took_s"] = ended - began
    return fields


def _usage_inside(answer: dict[str, Any]) -> Any:
    for key in _WHERE_USAGE:
        if isinstance(inner := answer.get(key), dict) and inner.get("usage"):
            return inner["usage"]
    return None


def _output(answer: dict[str, Any]) -> Any:
    if answer.get("choices") or answer.get("object") == "chat.completion":
        return {"choices": answer.get("choices")}
    if answer.get("object") == "response" or isinstance(answer.get("output"), list):
        return {key: answer.get(key) for key in ("output", "status")}
    data = answer.get("data")
    if isinstance(data, list):
        if data and isinstance(data[0], dict) and "embedding" in data[0]:
            first = data[0]["embedding"]
            size = len(first) if isinstance(first, list) else len(first) * 3 // 16  # base64 of 4-byte floats
            return {"embeddings": len(data), "dimensions": size}
        return {"data": [sized(item) if isinstance(item, dict) else item for item in data]}
    return sized({key: value for key, value in answer.items() if key not in _NOT_OUTPUT})


def _without_secrets(tools: Any) -> Any:
    """Tools of other servers carry tokens; function tools pass as they are."""
    if not isinstance(tools, list):
        return tools
    return [
        {key: _HIDDEN if key in _SECRETS and value else value for key, value in tool.items()}
        if isinstance(tool, dict) and tool.get("type") != "function"
        else tool
        for tool in tools
    ]


def _without_media(message: Any) -> Any:
    if type(message) is dict and type(message.get("content")) is str:  # most are: no closer look
        return message
    return without_media(message)
